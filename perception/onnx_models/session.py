"""How onnxruntime runs every network of perception."""

import onnxruntime


def inference_session(model: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread, which does not spin while it waits: the machine's cores are shared by workers."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
