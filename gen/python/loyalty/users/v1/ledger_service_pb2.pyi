import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.users.v1 import user_pb2 as _user_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransactionPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSACTION_PURPOSE_UNSPECIFIED: _ClassVar[TransactionPurpose]
    PROMOTION: _ClassVar[TransactionPurpose]
TRANSACTION_PURPOSE_UNSPECIFIED: TransactionPurpose
PROMOTION: TransactionPurpose

class AddTransactionRequest(_message.Message):
    __slots__ = ("user_id", "type", "amount", "description", "additional_data", "idempotency_key", "not_after", "purpose")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ADDITIONAL_DATA_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    type: _user_pb2.TransactionType
    amount: str
    description: str
    additional_data: _struct_pb2.Struct
    idempotency_key: str
    not_after: _timestamp_pb2.Timestamp
    purpose: TransactionPurpose
    def __init__(self, user_id: _Optional[str] = ..., type: _Optional[_Union[_user_pb2.TransactionType, str]] = ..., amount: _Optional[str] = ..., description: _Optional[str] = ..., additional_data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purpose: _Optional[_Union[TransactionPurpose, str]] = ...) -> None: ...

class AddTransactionResponse(_message.Message):
    __slots__ = ("transaction",)
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    transaction: _user_pb2.Transaction
    def __init__(self, transaction: _Optional[_Union[_user_pb2.Transaction, _Mapping]] = ...) -> None: ...

class GetTransactionRequest(_message.Message):
    __slots__ = ("user_id", "idempotency_key", "not_after")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    idempotency_key: str
    not_after: _timestamp_pb2.Timestamp
    def __init__(self, user_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetTransactionResponse(_message.Message):
    __slots__ = ("transaction",)
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    transaction: _user_pb2.Transaction
    def __init__(self, transaction: _Optional[_Union[_user_pb2.Transaction, _Mapping]] = ...) -> None: ...
