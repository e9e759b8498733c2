"""Networks of the deep agents and what trains them, in few large operations.

Read in this order: flat_adam → perceptron → actor_critic → minibatches → ppo_gradient.
"""
