"""The message ``tf.train.SequenceExample``; read as one, a ``tf.train.Example`` is a context without lists."""

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "tensorflow"
_SCALARS = {
    bytes: FieldDescriptorProto.TYPE_BYTES,
    float: FieldDescriptorProto.TYPE_FLOAT,
    int: FieldDescriptorProto.TYPE_INT64,
    str: FieldDescriptorProto.TYPE_STRING,
}
#: TensorFlow's messages: their fields in the order of their numbers, those in brackets being repeated. A map is a list
#: of entries, as it is in the bytes: their order is ours, so that equal examples are equal bytes.
_MESSAGES: dict[str, dict[str, Any]] = {
    "BytesList": {"value": [bytes]},
    "FloatList": {"value": [float]},
    "Int64List": {"value": [int]},
    "Feature": {"bytes_list": "BytesList", "float_list": "FloatList", "int64_list": "Int64List"},
    "FeatureEntry": {"key": str, "value": "Feature"},
    "Features": {"feature": ["FeatureEntry"]},
    "FeatureList": {"feature": ["Feature"]},
    "FeatureListEntry": {"key": str, "value": "FeatureList"},
    "FeatureLists": {"feature_list": ["FeatureListEntry"]},
    "SequenceExample": {"context": "Features", "feature_lists": "FeatureLists"},
}


def _message(name: str, fields: dict[str, Any]) -> DescriptorProto:
    message = DescriptorProto(name=name)
    for number, (field, kind) in enumerate(fields.items(), start=1):
        one = kind[0] if isinstance(kind, list) else kind
        label = FieldDescriptorProto.LABEL_REPEATED if isinstance(kind, list) else FieldDescriptorProto.LABEL_OPTIONAL
        of_kind = {"type": _SCALARS[one]} if one in _SCALARS else {"type_name": f".{_PACKAGE}.{one}"}
        message.field.add(name=field, number=number, label=label, **of_kind)
    return message


_POOL = DescriptorPool()  # not the default one, in which TensorFlow's own messages may be
_POOL.Add(
    FileDescriptorProto(
        name="sequence_example.proto",
        package=_PACKAGE,
        syntax="proto3",
        message_type=[_message(name, fields) for name, fields in _MESSAGES.items()],
    )
)
SequenceExample: Any = GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.SequenceExample"))
