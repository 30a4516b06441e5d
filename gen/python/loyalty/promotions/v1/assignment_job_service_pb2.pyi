from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.promotions.v1 import assignment_job_pb2 as _assignment_job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateAssignmentJobRequest(_message.Message):
    __slots__ = ("promotion_id", "audience", "dry_run", "reassign")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REASSIGN_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    audience: AssignmentJobAudience
    dry_run: bool
    reassign: bool
    def __init__(self, promotion_id: _Optional[str] = ..., audience: _Optional[_Union[AssignmentJobAudience, _Mapping]] = ..., dry_run: _Optional[bool] = ..., reassign: _Optional[bool] = ...) -> None: ...

class UploadAssignmentJobRequest(_message.Message):
    __slots__ = ("promotion_id", "dry_run", "reassign", "csv")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    REASSIGN_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    dry_run: bool
    reassign: bool
    csv: bytes
    def __init__(self, promotion_id: _Optional[str] = ..., dry_run: _Optional[bool] = ..., reassign: _Optional[bool] = ..., csv: _Optional[bytes] = ...) -> None: ...

class AssignmentJobAudience(_message.Message):
    __slots__ = ("player_ids", "all", "filter")
    PLAYER_IDS_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    player_ids: _containers.RepeatedScalarFieldContainer[str]
    all: bool
    filter: _assignment_job_pb2.AssignmentJobFilter
    def __init__(self, player_ids: _Optional[_Iterable[str]] = ..., all: _Optional[bool] = ..., filter: _Optional[_Union[_assignment_job_pb2.AssignmentJobFilter, _Mapping]] = ...) -> None: ...

class ListAssignmentJobsRequest(_message.Message):
    __slots__ = ("promotion_id", "page_size", "page_token")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    page_size: int
    page_token: str
    def __init__(self, promotion_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAssignmentJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token", "total", "total_is_estimate")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_assignment_job_pb2.AssignmentJob]
    next_page_token: str
    total: int
    total_is_estimate: bool
    def __init__(self, jobs: _Optional[_Iterable[_Union[_assignment_job_pb2.AssignmentJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., total_is_estimate: _Optional[bool] = ...) -> None: ...

class GetAssignmentJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class PauseAssignmentJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ResumeAssignmentJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class CancelAssignmentJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ListRefusedPlayersRequest(_message.Message):
    __slots__ = ("job_id", "page_size", "page_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    page_size: int
    page_token: str
    def __init__(self, job_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRefusedPlayersResponse(_message.Message):
    __slots__ = ("refused", "next_page_token", "total", "total_is_estimate")
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    refused: _containers.RepeatedCompositeFieldContainer[_assignment_job_pb2.RefusedPlayer]
    next_page_token: str
    total: int
    total_is_estimate: bool
    def __init__(self, refused: _Optional[_Iterable[_Union[_assignment_job_pb2.RefusedPlayer, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., total_is_estimate: _Optional[bool] = ...) -> None: ...
