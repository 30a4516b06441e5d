import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    PLAYER: _ClassVar[Role]
    STAFF: _ClassVar[Role]
    ADMIN: _ClassVar[Role]

class AuditAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_ACTION_UNSPECIFIED: _ClassVar[AuditAction]
    LOGIN: _ClassVar[AuditAction]
    REFRESH: _ClassVar[AuditAction]
    LOGOUT: _ClassVar[AuditAction]
    CHANGE_PASSWORD: _ClassVar[AuditAction]
    END_SESSION: _ClassVar[AuditAction]
    END_SESSIONS: _ClassVar[AuditAction]
    ENROL_MFA: _ClassVar[AuditAction]
    CONFIRM_MFA: _ClassVar[AuditAction]
    DISABLE_MFA: _ClassVar[AuditAction]
    VERIFY_MFA: _ClassVar[AuditAction]
    RESET_MFA: _ClassVar[AuditAction]
    REGISTER_STAFF: _ClassVar[AuditAction]
    DEACTIVATE_USER: _ClassVar[AuditAction]
    ACTIVATE_USER: _ClassVar[AuditAction]
    REVERSE_TRANSACTION: _ClassVar[AuditAction]
    CREATE_ADMIN: _ClassVar[AuditAction]
    RESET_ADMIN: _ClassVar[AuditAction]
    CREATE_PROMOTION: _ClassVar[AuditAction]
    UPDATE_PROMOTION: _ClassVar[AuditAction]
    ASSIGN_PROMOTION: _ClassVar[AuditAction]
    MARK_ANOMALY_SEEN: _ClassVar[AuditAction]
    PUBLISH_PROMOTION: _ClassVar[AuditAction]
    PAUSE_PROMOTION: _ClassVar[AuditAction]
    RESUME_PROMOTION: _ClassVar[AuditAction]
    ARCHIVE_PROMOTION: _ClassVar[AuditAction]
    RESTRICT_PLAYER: _ClassVar[AuditAction]
    LIFT_RESTRICTION: _ClassVar[AuditAction]
    REVOKE_ASSIGNMENTS: _ClassVar[AuditAction]
    CREATE_ASSIGNMENT_JOB: _ClassVar[AuditAction]
    PAUSE_ASSIGNMENT_JOB: _ClassVar[AuditAction]
    RESUME_ASSIGNMENT_JOB: _ClassVar[AuditAction]
    CANCEL_ASSIGNMENT_JOB: _ClassVar[AuditAction]

class ColumnType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLUMN_TYPE_UNSPECIFIED: _ClassVar[ColumnType]
    UUID: _ClassVar[ColumnType]
    MONEY: _ClassVar[ColumnType]
    DATE: _ClassVar[ColumnType]
    TEXT: _ClassVar[ColumnType]
    BIGINT: _ClassVar[ColumnType]
    BYTES: _ClassVar[ColumnType]
    TIMESTAMP: _ClassVar[ColumnType]
    SMALLINT: _ClassVar[ColumnType]
    BOOLEAN: _ClassVar[ColumnType]

class Rows(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROWS_UNSPECIFIED: _ClassVar[Rows]
    SELECT: _ClassVar[Rows]
    INSERT: _ClassVar[Rows]
    ENT: _ClassVar[Rows]
    MONGO: _ClassVar[Rows]
ROLE_UNSPECIFIED: Role
PLAYER: Role
STAFF: Role
ADMIN: Role
AUDIT_ACTION_UNSPECIFIED: AuditAction
LOGIN: AuditAction
REFRESH: AuditAction
LOGOUT: AuditAction
CHANGE_PASSWORD: AuditAction
END_SESSION: AuditAction
END_SESSIONS: AuditAction
ENROL_MFA: AuditAction
CONFIRM_MFA: AuditAction
DISABLE_MFA: AuditAction
VERIFY_MFA: AuditAction
RESET_MFA: AuditAction
REGISTER_STAFF: AuditAction
DEACTIVATE_USER: AuditAction
ACTIVATE_USER: AuditAction
REVERSE_TRANSACTION: AuditAction
CREATE_ADMIN: AuditAction
RESET_ADMIN: AuditAction
CREATE_PROMOTION: AuditAction
UPDATE_PROMOTION: AuditAction
ASSIGN_PROMOTION: AuditAction
MARK_ANOMALY_SEEN: AuditAction
PUBLISH_PROMOTION: AuditAction
PAUSE_PROMOTION: AuditAction
RESUME_PROMOTION: AuditAction
ARCHIVE_PROMOTION: AuditAction
RESTRICT_PLAYER: AuditAction
LIFT_RESTRICTION: AuditAction
REVOKE_ASSIGNMENTS: AuditAction
CREATE_ASSIGNMENT_JOB: AuditAction
PAUSE_ASSIGNMENT_JOB: AuditAction
RESUME_ASSIGNMENT_JOB: AuditAction
CANCEL_ASSIGNMENT_JOB: AuditAction
COLUMN_TYPE_UNSPECIFIED: ColumnType
UUID: ColumnType
MONEY: ColumnType
DATE: ColumnType
TEXT: ColumnType
BIGINT: ColumnType
BYTES: ColumnType
TIMESTAMP: ColumnType
SMALLINT: ColumnType
BOOLEAN: ColumnType
ROWS_UNSPECIFIED: Rows
SELECT: Rows
INSERT: Rows
ENT: Rows
MONGO: Rows
ENTITY_FIELD_NUMBER: _ClassVar[int]
entity: _descriptor.FieldDescriptor
EVENT_FIELD_NUMBER: _ClassVar[int]
event: _descriptor.FieldDescriptor
SOCKET_FIELD_NUMBER: _ClassVar[int]
socket: _descriptor.FieldDescriptor
COLUMN_FIELD_NUMBER: _ClassVar[int]
column: _descriptor.FieldDescriptor
DOMAIN_LIMITS_FIELD_NUMBER: _ClassVar[int]
domain_limits: _descriptor.FieldDescriptor
EXAMPLE_FIELD_NUMBER: _ClassVar[int]
example: _descriptor.FieldDescriptor
VERBATIM_FIELD_NUMBER: _ClassVar[int]
verbatim: _descriptor.FieldDescriptor
STAFF_ONLY_FIELD_NUMBER: _ClassVar[int]
staff_only: _descriptor.FieldDescriptor
CSV_FIELD_NUMBER: _ClassVar[int]
csv: _descriptor.FieldDescriptor
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor
SUCCESS_STATUS_FIELD_NUMBER: _ClassVar[int]
success_status: _descriptor.FieldDescriptor
HEADER_FIELD_NUMBER: _ClassVar[int]
header: _descriptor.FieldDescriptor
AUDIT_FIELD_NUMBER: _ClassVar[int]
audit: _descriptor.FieldDescriptor
MAY_EXIST_FIELD_NUMBER: _ClassVar[int]
may_exist: _descriptor.FieldDescriptor
UPLOAD_FIELD_NUMBER: _ClassVar[int]
upload: _descriptor.FieldDescriptor
APP_ERROR_FIELD_NUMBER: _ClassVar[int]
app_error: _descriptor.FieldDescriptor
PROMOTION_TYPE_FIELD_NUMBER: _ClassVar[int]
promotion_type: _descriptor.FieldDescriptor
RESTRICTION_KIND_FIELD_NUMBER: _ClassVar[int]
restriction_kind: _descriptor.FieldDescriptor

class Access(_message.Message):
    __slots__ = ("public", "refresh_token", "internal", "roles", "own", "enrolling", "step_up")
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INTERNAL_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    ENROLLING_FIELD_NUMBER: _ClassVar[int]
    STEP_UP_FIELD_NUMBER: _ClassVar[int]
    public: bool
    refresh_token: bool
    internal: bool
    roles: _containers.RepeatedScalarFieldContainer[Role]
    own: str
    enrolling: bool
    step_up: bool
    def __init__(self, public: _Optional[bool] = ..., refresh_token: _Optional[bool] = ..., internal: _Optional[bool] = ..., roles: _Optional[_Iterable[_Union[Role, str]]] = ..., own: _Optional[str] = ..., enrolling: _Optional[bool] = ..., step_up: _Optional[bool] = ...) -> None: ...

class Audit(_message.Message):
    __slots__ = ("action", "target")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    action: AuditAction
    target: str
    def __init__(self, action: _Optional[_Union[AuditAction, str]] = ..., target: _Optional[str] = ...) -> None: ...

class Upload(_message.Message):
    __slots__ = ("media", "max_bytes", "example")
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    media: str
    max_bytes: int
    example: str
    def __init__(self, media: _Optional[str] = ..., max_bytes: _Optional[int] = ..., example: _Optional[str] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("name", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("type", "primary", "unique", "nullable", "min", "max", "default", "references", "transient", "collation")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    NULLABLE_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    TRANSIENT_FIELD_NUMBER: _ClassVar[int]
    COLLATION_FIELD_NUMBER: _ClassVar[int]
    type: ColumnType
    primary: bool
    unique: bool
    nullable: bool
    min: str
    max: str
    default: str
    references: str
    transient: bool
    collation: str
    def __init__(self, type: _Optional[_Union[ColumnType, str]] = ..., primary: _Optional[bool] = ..., unique: _Optional[bool] = ..., nullable: _Optional[bool] = ..., min: _Optional[str] = ..., max: _Optional[str] = ..., default: _Optional[str] = ..., references: _Optional[str] = ..., transient: _Optional[bool] = ..., collation: _Optional[str] = ...) -> None: ...

class Entity(_message.Message):
    __slots__ = ("table", "index", "check", "private", "databases", "also_in", "rows", "privileges")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_FIELD_NUMBER: _ClassVar[int]
    DATABASES_FIELD_NUMBER: _ClassVar[int]
    ALSO_IN_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PRIVILEGES_FIELD_NUMBER: _ClassVar[int]
    table: str
    index: _containers.RepeatedCompositeFieldContainer[Index]
    check: _containers.RepeatedCompositeFieldContainer[Check]
    private: _containers.RepeatedCompositeFieldContainer[PrivateColumn]
    databases: _containers.RepeatedScalarFieldContainer[str]
    also_in: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedScalarFieldContainer[Rows]
    privileges: Privileges
    def __init__(self, table: _Optional[str] = ..., index: _Optional[_Iterable[_Union[Index, _Mapping]]] = ..., check: _Optional[_Iterable[_Union[Check, _Mapping]]] = ..., private: _Optional[_Iterable[_Union[PrivateColumn, _Mapping]]] = ..., databases: _Optional[_Iterable[str]] = ..., also_in: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[Rows, str]]] = ..., privileges: _Optional[_Union[Privileges, _Mapping]] = ...) -> None: ...

class Privileges(_message.Message):
    __slots__ = ("insert", "update", "delete")
    INSERT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    insert: bool
    update: _containers.RepeatedScalarFieldContainer[str]
    delete: bool
    def __init__(self, insert: _Optional[bool] = ..., update: _Optional[_Iterable[str]] = ..., delete: _Optional[bool] = ...) -> None: ...

class Index(_message.Message):
    __slots__ = ("columns", "unique", "where", "desc", "trigrams")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    DESC_FIELD_NUMBER: _ClassVar[int]
    TRIGRAMS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    unique: bool
    where: str
    desc: _containers.RepeatedScalarFieldContainer[str]
    trigrams: bool
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., unique: _Optional[bool] = ..., where: _Optional[str] = ..., desc: _Optional[_Iterable[str]] = ..., trigrams: _Optional[bool] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("name", "expr")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPR_FIELD_NUMBER: _ClassVar[int]
    name: str
    expr: str
    def __init__(self, name: _Optional[str] = ..., expr: _Optional[str] = ...) -> None: ...

class PrivateColumn(_message.Message):
    __slots__ = ("name", "column", "identity")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    column: Column
    identity: bool
    def __init__(self, name: _Optional[str] = ..., column: _Optional[_Union[Column, _Mapping]] = ..., identity: _Optional[bool] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("topic", "key", "label", "retention", "producer")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_FIELD_NUMBER: _ClassVar[int]
    topic: str
    key: str
    label: str
    retention: _duration_pb2.Duration
    producer: str
    def __init__(self, topic: _Optional[str] = ..., key: _Optional[str] = ..., label: _Optional[str] = ..., retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., producer: _Optional[str] = ...) -> None: ...

class Socket(_message.Message):
    __slots__ = ("path", "description")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    path: str
    description: str
    def __init__(self, path: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class AppError(_message.Message):
    __slots__ = ("rpc_code", "http_status", "title", "member")
    RPC_CODE_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    rpc_code: str
    http_status: int
    title: str
    member: _containers.RepeatedCompositeFieldContainer[ErrorMember]
    def __init__(self, rpc_code: _Optional[str] = ..., http_status: _Optional[int] = ..., title: _Optional[str] = ..., member: _Optional[_Iterable[_Union[ErrorMember, _Mapping]]] = ...) -> None: ...

class ErrorMember(_message.Message):
    __slots__ = ("name", "format", "description", "example")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    format: str
    description: str
    example: str
    def __init__(self, name: _Optional[str] = ..., format: _Optional[str] = ..., description: _Optional[str] = ..., example: _Optional[str] = ...) -> None: ...

class PromotionTypeRules(_message.Message):
    __slots__ = ("unique_per_period", "assigned_on_registration")
    UNIQUE_PER_PERIOD_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_ON_REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    unique_per_period: bool
    assigned_on_registration: bool
    def __init__(self, unique_per_period: _Optional[bool] = ..., assigned_on_registration: _Optional[bool] = ...) -> None: ...

class RestrictionKindRules(_message.Message):
    __slots__ = ("set_by_players", "lifted_by_players", "temporary", "refuses_promotions", "mutes_promotions")
    SET_BY_PLAYERS_FIELD_NUMBER: _ClassVar[int]
    LIFTED_BY_PLAYERS_FIELD_NUMBER: _ClassVar[int]
    TEMPORARY_FIELD_NUMBER: _ClassVar[int]
    REFUSES_PROMOTIONS_FIELD_NUMBER: _ClassVar[int]
    MUTES_PROMOTIONS_FIELD_NUMBER: _ClassVar[int]
    set_by_players: bool
    lifted_by_players: bool
    temporary: bool
    refuses_promotions: bool
    mutes_promotions: bool
    def __init__(self, set_by_players: _Optional[bool] = ..., lifted_by_players: _Optional[bool] = ..., temporary: _Optional[bool] = ..., refuses_promotions: _Optional[bool] = ..., mutes_promotions: _Optional[bool] = ...) -> None: ...
