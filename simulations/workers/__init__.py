"""Trainings and cells of experiments in processes of their own."""
