"""Late and batched feedback: what happened reaches the agent some sessions later, in batches, as on platforms.

Read in this order: feedback → feedback_queue.
"""
