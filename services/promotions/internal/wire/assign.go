package wire //nolint:revive // the package comment is in doc_gen.go

import (
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// FromAssignResults converts the outcomes of an assignment.
func FromAssignResults(results []promotions.AssignResult) *promotionsv1.AssignResponse {
	response := &promotionsv1.AssignResponse{Results: make([]*promotionsv1.AssignResult, len(results))}
	for i, result := range results {
		response.Results[i] = &promotionsv1.AssignResult{
			PlayerId: result.Player.String(),
			Outcome:  FromAssignOutcome(result.Outcome),
		}
	}
	return response
}
