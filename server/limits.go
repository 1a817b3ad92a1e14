package main

import (
	"context"
	"math"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits of one document. Each refusal says which was met.
const (
	maxCost                = 10_000
	maxFields              = 300
	maxDepth               = 10
	maxAliases             = 15
	maxFragments           = 15
	maxRootFields          = 10
	maxIntrospectionFields = 500
	maxIntrospectionDepth  = 20
	// maxIntrospectionCost is a third above what GraphiQL's and code generators'
	// query costs by introspectionSizes.
	maxIntrospectionCost = 290_000
)

// sensitiveMutations may stand once in a request, so that a request counts as
// one attempt wherever attempts are counted.
var sensitiveMutations = []string{redeemMutation, claimMutation, "createShareLink", "setSharingPreference"}

// These have rate limits of their own.
const (
	redeemMutation = "redeemShareLink"
	claimMutation  = "claimRecord"
)

// fieldCosts are fields that do more than read what is in memory: each is
// reckoned with about as many ordinary fields as take its time.
var fieldCosts = map[string]int{
	"ShareLink.qrCode": 100, "ShareLink.accessHistory": 100, "Learner.accessHistory": 100,
	"ConfiguredView.preview": 100, "ConfiguredView.shareLinks": 50,
	"Viewer.sessions": 50, "Viewer.identity": 5, "ReviewCase.evidence": 100, "Casework.reviewCases": 100,
}

// listSizes is how many items a list without a first argument is reckoned
// with. A test fails when a list field of the schema is missing here.
var listSizes = map[string]int{
	"LearningEvent.dataChallenges": 3, "LearningEvent.dataQuality": 3,
	"RecordSummary.byQualificationType": 10, "RecordSummary.byLevel": 10, "RecordSummary.bySource": 5,
	"ConfiguredView.fields": 1, "ViewSelection.events": 1,
	"LearningEventRule.qualificationTypes": 1, "LearningEventRule.levels": 1, "LearningEventRule.sources": 1,
	"SharedRecord.events": 40, "SharedRecord.fields": 1,
	"SharingPreference.history": 10, "AccessEntry.fieldsDisclosed": 1,
	"UserError.path": 1, "Viewer.sessions": 10, "Viewer.roles": 1, "Viewer.notices": 10,
	"ReviewEvidence.matched": 3, "ReviewEvidence.attempts": 10, "ClaimAttempt.matched": 3,
	"VerifiedIdentity.names": 3, "VerifiedIdentity.postCodes": 3,
}

// introspectionSizes is how many items the lists of introspection are reckoned
// with: about as many as this schema has, so that a small document that asks
// for every field of every field does not get an answer of megabytes.
var introspectionSizes = map[string]int{
	"__Schema.types": 150, "__Schema.directives": 6, "__Type.fields": 8, "__Type.inputFields": 4, "__Type.enumValues": 6,
	"__Type.possibleTypes": 4, "__Type.interfaces": 1, "__Field.args": 3, "__Directive.args": 1, "__Directive.locations": 3,
}

// queryCost is what the answer's extensions say.
type queryCost struct {
	Requested int  `json:"requested"`
	Limit     int  `json:"limit"`
	redeems   bool // the operation would open a shared link
	claims    bool // the operation would claim a record
}

const costKey = "openplr.cost"

func costOf(opCtx *graphql.OperationContext) *queryCost {
	cost, _ := opCtx.Stats.GetExtension(costKey).(*queryCost)
	return cost
}

// limiter bounds what a document may ask for. It walks each fragment once,
// whatever the number of spreads: gqlgen's own complexity limit walks every
// spread again, so that a document of 993 bytes keeps it busy for 10 seconds.
type limiter struct {
	schema *ast.Schema
	open   bool
}

// ExtensionName names the extension to gqlgen.
func (limiter) ExtensionName() string { return "limits" }

// Validate is gqlgen's start-up hook; there is nothing to check.
func (limiter) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses a document beyond a limit and notes its cost.
func (l limiter) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	opCtx.DisableIntrospection = !l.open
	w := &walk{opCtx: opCtx, fragments: map[string]*weight{}}
	total := w.selection(opCtx.Operation.SelectionSet, false)
	opCtx.Stats.SetExtension(costKey, &queryCost{Requested: total.cost, Limit: maxCost, redeems: total.redemptions > 0, claims: total.claims > 0})
	if total.introspection > 0 && !l.open {
		return coded(codeValidation, maskedMessage)
	}
	for _, limit := range []struct {
		have, most int
		message    string
	}{
		{len(opCtx.Doc.Fragments), maxFragments, "The document has more than 15 fragments."},
		{total.roots, maxRootFields, "The operation has more than 10 root fields."},
		{total.fields, maxFields, "The operation has more than 300 fields."},
		{total.depth, maxDepth, "The operation is nested deeper than 10."},
		{total.aliases, maxAliases, "The operation has more than 15 aliases."},
		{total.sensitive, 1, "The operation has more than one of redeemShareLink, claimRecord, createShareLink and setSharingPreference."},
		{total.introspection, maxIntrospectionFields, "The introspection asks for too much."},
		{total.introspectionDepth, maxIntrospectionDepth, "The introspection is nested too deep."},
		{total.introspectionCost, maxIntrospectionCost, "The introspection asks for too much."},
		{total.cost, maxCost, "The operation costs more than 10000. Ask for smaller pages."},
	} {
		if limit.have > limit.most {
			return coded("QUERY_TOO_COMPLEX", limit.message)
		}
	}
	return nil
}

// weight is what a selection adds up to.
type weight struct {
	cost, fields, depth, aliases, roots, sensitive int
	introspection, introspectionDepth              int
	introspectionCost, redemptions, claims         int
}

func (w *weight) add(o weight) {
	w.cost = saturate(w.cost + o.cost)
	w.fields = saturate(w.fields + o.fields)
	w.aliases = saturate(w.aliases + o.aliases)
	w.roots = saturate(w.roots + o.roots)
	w.sensitive = saturate(w.sensitive + o.sensitive)
	w.redemptions = saturate(w.redemptions + o.redemptions)
	w.claims = saturate(w.claims + o.claims)
	w.introspection = saturate(w.introspection + o.introspection)
	w.introspectionCost = saturate(w.introspectionCost + o.introspectionCost)
	w.depth = max(w.depth, o.depth)
	w.introspectionDepth = max(w.introspectionDepth, o.introspectionDepth)
}

// saturate keeps sums that fragments double again and again from overflowing.
func saturate(n int) int { return min(n, math.MaxInt32) }

type walk struct {
	opCtx     *graphql.OperationContext
	fragments map[string]*weight
}

func (w *walk) selection(set ast.SelectionSet, introspection bool) weight {
	var total weight
	for _, selected := range set {
		switch s := selected.(type) {
		case *ast.Field:
			total.add(w.field(s, introspection))
		case *ast.InlineFragment:
			total.add(w.selection(s.SelectionSet, introspection))
		case *ast.FragmentSpread:
			total.add(w.fragment(s, introspection))
		}
	}
	return total
}

func (w *walk) fragment(s *ast.FragmentSpread, introspection bool) weight {
	if known := w.fragments[s.Name]; known != nil {
		return *known
	}
	known := w.selection(s.Definition.SelectionSet, introspection)
	w.fragments[s.Name] = &known
	return known
}

func (w *walk) field(f *ast.Field, introspection bool) weight {
	introspection = introspection || f.Name == "__schema" || f.Name == "__type"
	below := w.selection(f.SelectionSet, introspection)
	own := weight{roots: 1}
	if f.Alias != f.Name {
		own.aliases = 1
	}
	own.aliases += below.aliases
	if introspection {
		own.introspection = saturate(1 + below.introspection)
		own.introspectionDepth = 1 + below.introspectionDepth
		own.introspectionCost = saturate(1 + sizeIn(introspectionSizes, f)*below.introspectionCost)
		own.aliases = 0
		return own
	}
	own.fields = saturate(1 + below.fields)
	own.depth = 1 + below.depth
	own.cost = saturate(w.own(f) + w.size(f)*below.cost)
	own.introspection, own.introspectionDepth, own.introspectionCost = below.introspection, below.introspectionDepth, below.introspectionCost
	if slices.Contains(sensitiveMutations, f.Name) && f.ObjectDefinition != nil && f.ObjectDefinition.Name == "Mutation" {
		own.sensitive = 1
		switch f.Name {
		case redeemMutation:
			own.redemptions = 1
		case claimMutation:
			own.claims = 1
		}
	}
	return own
}

// own is what f itself costs.
func (w *walk) own(f *ast.Field) int {
	if f.ObjectDefinition != nil {
		if n, ok := fieldCosts[f.ObjectDefinition.Name+"."+f.Name]; ok {
			return n
		}
	}
	return 1
}

// size is how many times what stands below f may come.
func (w *walk) size(f *ast.Field) int {
	if f.Definition != nil && f.Definition.Arguments.ForName("first") != nil {
		switch n := f.ArgumentMap(w.opCtx.Variables)["first"].(type) {
		case int64:
			return clampPage(n)
		case interface{ Int64() (int64, error) }:
			if v, err := n.Int64(); err == nil {
				return clampPage(v)
			}
		case int:
			return clampPage(int64(n))
		}
		return maxPageCost
	}
	return sizeIn(listSizes, f)
}

func sizeIn(sizes map[string]int, f *ast.Field) int {
	if f.ObjectDefinition != nil {
		if n, ok := sizes[f.ObjectDefinition.Name+"."+f.Name]; ok {
			return n
		}
	}
	return 1
}

const maxPageCost = 100

// clampPage: a page outside 1 to 100 is refused by the resolver; its cost must
// be neither negative nor boundless until then.
func clampPage(n int64) int { return int(min(max(n, 1), maxPageCost)) }
