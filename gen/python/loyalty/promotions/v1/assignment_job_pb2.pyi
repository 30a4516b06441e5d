import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.promotions.v1 import promotion_pb2 as _promotion_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AssignmentJob(_message.Message):
    __slots__ = ("id", "promotion_id", "state", "dry_run", "counts", "forecast", "created_by", "created_at", "started_at", "finished_at", "failure")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[AssignmentJob.State]
        QUEUED: _ClassVar[AssignmentJob.State]
        RUNNING: _ClassVar[AssignmentJob.State]
        PAUSED: _ClassVar[AssignmentJob.State]
        SUCCEEDED: _ClassVar[AssignmentJob.State]
        CANCELLED: _ClassVar[AssignmentJob.State]
        FAILED: _ClassVar[AssignmentJob.State]
    STATE_UNSPECIFIED: AssignmentJob.State
    QUEUED: AssignmentJob.State
    RUNNING: AssignmentJob.State
    PAUSED: AssignmentJob.State
    SUCCEEDED: AssignmentJob.State
    CANCELLED: AssignmentJob.State
    FAILED: AssignmentJob.State
    ID_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    id: str
    promotion_id: str
    state: AssignmentJob.State
    dry_run: bool
    counts: AssignmentJobCounts
    forecast: AssignmentJobForecast
    created_by: str
    created_at: _timestamp_pb2.Timestamp
    started_at: str
    finished_at: str
    failure: str
    def __init__(self, id: _Optional[str] = ..., promotion_id: _Optional[str] = ..., state: _Optional[_Union[AssignmentJob.State, str]] = ..., dry_run: _Optional[bool] = ..., counts: _Optional[_Union[AssignmentJobCounts, _Mapping]] = ..., forecast: _Optional[_Union[AssignmentJobForecast, _Mapping]] = ..., created_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[str] = ..., finished_at: _Optional[str] = ..., failure: _Optional[str] = ...) -> None: ...

class AssignmentJobCounts(_message.Message):
    __slots__ = ("total", "processed", "assigned", "already_assigned", "unknown", "inactive", "restricted", "malformed")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    ALREADY_ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    INACTIVE_FIELD_NUMBER: _ClassVar[int]
    RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    MALFORMED_FIELD_NUMBER: _ClassVar[int]
    total: int
    processed: int
    assigned: int
    already_assigned: int
    unknown: int
    inactive: int
    restricted: int
    malformed: int
    def __init__(self, total: _Optional[int] = ..., processed: _Optional[int] = ..., assigned: _Optional[int] = ..., already_assigned: _Optional[int] = ..., unknown: _Optional[int] = ..., inactive: _Optional[int] = ..., restricted: _Optional[int] = ..., malformed: _Optional[int] = ...) -> None: ...

class AssignmentJobForecast(_message.Message):
    __slots__ = ("players", "liability")
    PLAYERS_FIELD_NUMBER: _ClassVar[int]
    LIABILITY_FIELD_NUMBER: _ClassVar[int]
    players: int
    liability: str
    def __init__(self, players: _Optional[int] = ..., liability: _Optional[str] = ...) -> None: ...

class AssignmentJobChunk(_message.Message):
    __slots__ = ("job_id", "number", "first_line", "lines")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FIRST_LINE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    number: int
    first_line: int
    lines: bytes
    def __init__(self, job_id: _Optional[str] = ..., number: _Optional[int] = ..., first_line: _Optional[int] = ..., lines: _Optional[bytes] = ...) -> None: ...

class AssignmentJobForecastPlayer(_message.Message):
    __slots__ = ("job_id", "player_id")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    player_id: str
    def __init__(self, job_id: _Optional[str] = ..., player_id: _Optional[str] = ...) -> None: ...

class AssignmentJobReplacement(_message.Message):
    __slots__ = ("job_id", "assignment_id")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    assignment_id: str
    def __init__(self, job_id: _Optional[str] = ..., assignment_id: _Optional[str] = ...) -> None: ...

class RefusedPlayer(_message.Message):
    __slots__ = ("line", "player", "outcome")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[RefusedPlayer.Outcome]
        UNKNOWN_PLAYER: _ClassVar[RefusedPlayer.Outcome]
        INACTIVE_PLAYER: _ClassVar[RefusedPlayer.Outcome]
        RESTRICTED_PLAYER: _ClassVar[RefusedPlayer.Outcome]
        MALFORMED: _ClassVar[RefusedPlayer.Outcome]
    OUTCOME_UNSPECIFIED: RefusedPlayer.Outcome
    UNKNOWN_PLAYER: RefusedPlayer.Outcome
    INACTIVE_PLAYER: RefusedPlayer.Outcome
    RESTRICTED_PLAYER: RefusedPlayer.Outcome
    MALFORMED: RefusedPlayer.Outcome
    LINE_FIELD_NUMBER: _ClassVar[int]
    PLAYER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    line: int
    player: str
    outcome: RefusedPlayer.Outcome
    def __init__(self, line: _Optional[int] = ..., player: _Optional[str] = ..., outcome: _Optional[_Union[RefusedPlayer.Outcome, str]] = ...) -> None: ...

class AssignmentJobFilter(_message.Message):
    __slots__ = ("registered_from", "registered_to", "claimed_types", "not_claimed_types", "not_assigned_promotion_ids", "last_claim_before")
    REGISTERED_FROM_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_TO_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_TYPES_FIELD_NUMBER: _ClassVar[int]
    NOT_CLAIMED_TYPES_FIELD_NUMBER: _ClassVar[int]
    NOT_ASSIGNED_PROMOTION_IDS_FIELD_NUMBER: _ClassVar[int]
    LAST_CLAIM_BEFORE_FIELD_NUMBER: _ClassVar[int]
    registered_from: _timestamp_pb2.Timestamp
    registered_to: _timestamp_pb2.Timestamp
    claimed_types: _containers.RepeatedScalarFieldContainer[_promotion_pb2.PromotionType]
    not_claimed_types: _containers.RepeatedScalarFieldContainer[_promotion_pb2.PromotionType]
    not_assigned_promotion_ids: _containers.RepeatedScalarFieldContainer[str]
    last_claim_before: _timestamp_pb2.Timestamp
    def __init__(self, registered_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., registered_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., claimed_types: _Optional[_Iterable[_Union[_promotion_pb2.PromotionType, str]]] = ..., not_claimed_types: _Optional[_Iterable[_Union[_promotion_pb2.PromotionType, str]]] = ..., not_assigned_promotion_ids: _Optional[_Iterable[str]] = ..., last_claim_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
