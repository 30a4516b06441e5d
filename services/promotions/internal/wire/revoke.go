package wire

import (
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// FromRevokeResults converts the outcomes of a revocation.
func FromRevokeResults(results []promotions.RevokeResult) *promotionsv1.RevokeAssignmentsResponse {
	response := &promotionsv1.RevokeAssignmentsResponse{Results: make([]*promotionsv1.RevokeResult, len(results))}
	for i, result := range results {
		response.Results[i] = &promotionsv1.RevokeResult{
			PlayerId: result.Player.String(),
			Outcome:  FromRevokeOutcome(result.Outcome),
		}
	}
	return response
}
