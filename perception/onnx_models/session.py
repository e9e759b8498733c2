"""The onnxruntime session options shared by all networks of perception."""

import onnxruntime


def inference_session(model: bytes) -> onnxruntime.InferenceSession:
    """Returns a session on one thread that does not spin while waiting, because workers share the machine's cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
