from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from loyalty.options.v1 import options_pb2 as _options_pb2
from loyalty.promotions.v1 import eligibility_pb2 as _eligibility_pb2
from loyalty.promotions.v1 import promotion_pb2 as _promotion_pb2
from loyalty.promotions.v1 import restriction_pb2 as _restriction_pb2
from loyalty.users.v1 import user_pb2 as _user_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AssignOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ASSIGN_OUTCOME_UNSPECIFIED: _ClassVar[AssignOutcome]
    ASSIGNED: _ClassVar[AssignOutcome]
    ALREADY_ASSIGNED: _ClassVar[AssignOutcome]
    UNKNOWN_PLAYER: _ClassVar[AssignOutcome]
    INACTIVE_PLAYER: _ClassVar[AssignOutcome]
    RESTRICTED_PLAYER: _ClassVar[AssignOutcome]

class RevokeOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REVOKE_OUTCOME_UNSPECIFIED: _ClassVar[RevokeOutcome]
    REVOKED: _ClassVar[RevokeOutcome]
    ALREADY_CLAIMED: _ClassVar[RevokeOutcome]
    NOT_ASSIGNED: _ClassVar[RevokeOutcome]
ASSIGN_OUTCOME_UNSPECIFIED: AssignOutcome
ASSIGNED: AssignOutcome
ALREADY_ASSIGNED: AssignOutcome
UNKNOWN_PLAYER: AssignOutcome
INACTIVE_PLAYER: AssignOutcome
RESTRICTED_PLAYER: AssignOutcome
REVOKE_OUTCOME_UNSPECIFIED: RevokeOutcome
REVOKED: RevokeOutcome
ALREADY_CLAIMED: RevokeOutcome
NOT_ASSIGNED: RevokeOutcome

class CreatePromotionRequest(_message.Message):
    __slots__ = ("promotion",)
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    promotion: _promotion_pb2.Promotion
    def __init__(self, promotion: _Optional[_Union[_promotion_pb2.Promotion, _Mapping]] = ...) -> None: ...

class ListPromotionsRequest(_message.Message):
    __slots__ = ("type", "is_active", "available", "title", "to", "page_size", "page_token", "state")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    type: _promotion_pb2.PromotionType
    is_active: bool
    available: bool
    title: str
    to: str
    page_size: int
    page_token: str
    state: _containers.RepeatedScalarFieldContainer[_promotion_pb2.PromotionState]
    def __init__(self, type: _Optional[_Union[_promotion_pb2.PromotionType, str]] = ..., is_active: _Optional[bool] = ..., available: _Optional[bool] = ..., title: _Optional[str] = ..., to: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Iterable[_Union[_promotion_pb2.PromotionState, str]]] = ..., **kwargs) -> None: ...

class ListPromotionsResponse(_message.Message):
    __slots__ = ("promotions", "next_page_token", "total", "total_is_estimate")
    PROMOTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    promotions: _containers.RepeatedCompositeFieldContainer[_promotion_pb2.Promotion]
    next_page_token: str
    total: int
    total_is_estimate: bool
    def __init__(self, promotions: _Optional[_Iterable[_Union[_promotion_pb2.Promotion, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., total_is_estimate: _Optional[bool] = ...) -> None: ...

class GetPromotionRequest(_message.Message):
    __slots__ = ("promotion_id",)
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    def __init__(self, promotion_id: _Optional[str] = ...) -> None: ...

class UpdatePromotionRequest(_message.Message):
    __slots__ = ("promotion_id", "promotion", "update_mask")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    PROMOTION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    promotion: _promotion_pb2.Promotion
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, promotion_id: _Optional[str] = ..., promotion: _Optional[_Union[_promotion_pb2.Promotion, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class PublishPromotionRequest(_message.Message):
    __slots__ = ("promotion_id",)
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    def __init__(self, promotion_id: _Optional[str] = ...) -> None: ...

class PausePromotionRequest(_message.Message):
    __slots__ = ("promotion_id",)
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    def __init__(self, promotion_id: _Optional[str] = ...) -> None: ...

class ResumePromotionRequest(_message.Message):
    __slots__ = ("promotion_id",)
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    def __init__(self, promotion_id: _Optional[str] = ...) -> None: ...

class ArchivePromotionRequest(_message.Message):
    __slots__ = ("promotion_id",)
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    def __init__(self, promotion_id: _Optional[str] = ...) -> None: ...

class GetPromotionStatsRequest(_message.Message):
    __slots__ = ("promotion_id", "to")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    to: str
    def __init__(self, promotion_id: _Optional[str] = ..., to: _Optional[str] = ..., **kwargs) -> None: ...

class PromotionStats(_message.Message):
    __slots__ = ("totals", "conversion", "median_seconds_to_claim", "series")
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_SECONDS_TO_CLAIM_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    totals: PromotionTotals
    conversion: float
    median_seconds_to_claim: int
    series: _containers.RepeatedCompositeFieldContainer[PromotionDayStats]
    def __init__(self, totals: _Optional[_Union[PromotionTotals, _Mapping]] = ..., conversion: _Optional[float] = ..., median_seconds_to_claim: _Optional[int] = ..., series: _Optional[_Iterable[_Union[PromotionDayStats, _Mapping]]] = ...) -> None: ...

class PromotionTotals(_message.Message):
    __slots__ = ("assigned", "claimed", "expired", "revoked", "cost")
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    assigned: int
    claimed: int
    expired: int
    revoked: int
    cost: str
    def __init__(self, assigned: _Optional[int] = ..., claimed: _Optional[int] = ..., expired: _Optional[int] = ..., revoked: _Optional[int] = ..., cost: _Optional[str] = ...) -> None: ...

class PromotionDayStats(_message.Message):
    __slots__ = ("date", "assigned", "claimed", "expired", "revoked", "cost")
    DATE_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    EXPIRED_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    date: str
    assigned: int
    claimed: int
    expired: int
    revoked: int
    cost: str
    def __init__(self, date: _Optional[str] = ..., assigned: _Optional[int] = ..., claimed: _Optional[int] = ..., expired: _Optional[int] = ..., revoked: _Optional[int] = ..., cost: _Optional[str] = ...) -> None: ...

class ListPlayerPromotionsRequest(_message.Message):
    __slots__ = ("player_id", "claimed", "type", "available", "page_size", "page_token", "state")
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    player_id: str
    claimed: bool
    type: _promotion_pb2.PromotionType
    available: bool
    page_size: int
    page_token: str
    state: _containers.RepeatedScalarFieldContainer[_promotion_pb2.Assignment.State]
    def __init__(self, player_id: _Optional[str] = ..., claimed: _Optional[bool] = ..., type: _Optional[_Union[_promotion_pb2.PromotionType, str]] = ..., available: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Iterable[_Union[_promotion_pb2.Assignment.State, str]]] = ...) -> None: ...

class ListPlayerPromotionsResponse(_message.Message):
    __slots__ = ("assignments", "next_page_token", "total", "total_is_estimate")
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    assignments: _containers.RepeatedCompositeFieldContainer[_promotion_pb2.Assignment]
    next_page_token: str
    total: int
    total_is_estimate: bool
    def __init__(self, assignments: _Optional[_Iterable[_Union[_promotion_pb2.Assignment, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., total_is_estimate: _Optional[bool] = ...) -> None: ...

class ClaimRequest(_message.Message):
    __slots__ = ("promotion_id",)
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    def __init__(self, promotion_id: _Optional[str] = ...) -> None: ...

class ClaimResponse(_message.Message):
    __slots__ = ("assignment", "transaction")
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    assignment: _promotion_pb2.Assignment
    transaction: _user_pb2.Transaction
    def __init__(self, assignment: _Optional[_Union[_promotion_pb2.Assignment, _Mapping]] = ..., transaction: _Optional[_Union[_user_pb2.Transaction, _Mapping]] = ...) -> None: ...

class CheckEligibilityRequest(_message.Message):
    __slots__ = ("promotion_id", "player_id")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    player_id: str
    def __init__(self, promotion_id: _Optional[str] = ..., player_id: _Optional[str] = ...) -> None: ...

class RedeemRequest(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class AssignRequest(_message.Message):
    __slots__ = ("promotion_id", "player_ids", "reassign")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    PLAYER_IDS_FIELD_NUMBER: _ClassVar[int]
    REASSIGN_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    player_ids: _containers.RepeatedScalarFieldContainer[str]
    reassign: bool
    def __init__(self, promotion_id: _Optional[str] = ..., player_ids: _Optional[_Iterable[str]] = ..., reassign: _Optional[bool] = ...) -> None: ...

class AssignResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[AssignResult]
    def __init__(self, results: _Optional[_Iterable[_Union[AssignResult, _Mapping]]] = ...) -> None: ...

class AssignResult(_message.Message):
    __slots__ = ("player_id", "outcome")
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    player_id: str
    outcome: AssignOutcome
    def __init__(self, player_id: _Optional[str] = ..., outcome: _Optional[_Union[AssignOutcome, str]] = ...) -> None: ...

class RevokeAssignmentsRequest(_message.Message):
    __slots__ = ("promotion_id", "player_ids")
    PROMOTION_ID_FIELD_NUMBER: _ClassVar[int]
    PLAYER_IDS_FIELD_NUMBER: _ClassVar[int]
    promotion_id: str
    player_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, promotion_id: _Optional[str] = ..., player_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RevokeAssignmentsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[RevokeResult]
    def __init__(self, results: _Optional[_Iterable[_Union[RevokeResult, _Mapping]]] = ...) -> None: ...

class RevokeResult(_message.Message):
    __slots__ = ("player_id", "outcome")
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    player_id: str
    outcome: RevokeOutcome
    def __init__(self, player_id: _Optional[str] = ..., outcome: _Optional[_Union[RevokeOutcome, str]] = ...) -> None: ...

class ListRefusalsRequest(_message.Message):
    __slots__ = ("user_id", "page_size", "page_token")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    page_size: int
    page_token: str
    def __init__(self, user_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRefusalsResponse(_message.Message):
    __slots__ = ("refusals", "next_page_token", "total", "total_is_estimate")
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    refusals: _containers.RepeatedCompositeFieldContainer[_restriction_pb2.Refusal]
    next_page_token: str
    total: int
    total_is_estimate: bool
    def __init__(self, refusals: _Optional[_Iterable[_Union[_restriction_pb2.Refusal, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total: _Optional[int] = ..., total_is_estimate: _Optional[bool] = ...) -> None: ...
