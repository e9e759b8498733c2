"""The command line, one file per group of commands; heavy imports happen inside the commands.

Read in this order: quickstart → catalog → scenario → train → evaluate → the others.
"""
