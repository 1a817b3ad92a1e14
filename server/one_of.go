package main

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// inputs checks what gqlparser checks in literals only, or not at all in
// variables: an input marked @oneOf has exactly one member that is not null,
// and an enum value is spelt as in the schema ("sensitive_data" would pass for
// SENSITIVE_DATA, and be taken for none of the kinds the domain knows).
type inputs struct{ schema *ast.Schema }

// ExtensionName names the extension to gqlgen.
func (inputs) ExtensionName() string { return "inputs" }

// Validate is gqlgen's start-up hook; there is nothing to check.
func (inputs) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation with such an input.
func (in inputs) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	return in.selection(opCtx.Operation.SelectionSet, opCtx.Variables, map[string]bool{})
}

func (in inputs) selection(set ast.SelectionSet, variables map[string]any, seen map[string]bool) *gqlerror.Error {
	for _, selected := range set {
		var fault *gqlerror.Error
		switch s := selected.(type) {
		case *ast.Field:
			if fault = in.field(s, variables); fault == nil {
				fault = in.selection(s.SelectionSet, variables, seen)
			}
		case *ast.InlineFragment:
			fault = in.selection(s.SelectionSet, variables, seen)
		case *ast.FragmentSpread:
			if !seen[s.Name] {
				seen[s.Name] = true
				fault = in.selection(s.Definition.SelectionSet, variables, seen)
			}
		}
		if fault != nil {
			return fault
		}
	}
	return nil
}

func (in inputs) field(f *ast.Field, variables map[string]any) *gqlerror.Error {
	if f.Definition == nil {
		return nil
	}
	for _, arg := range f.Arguments {
		definition := f.Definition.Arguments.ForName(arg.Name)
		value, err := arg.Value.Value(variables)
		if definition == nil || err != nil {
			return coded(codeBadInput, "An argument cannot be read.")
		}
		if fault := in.value(definition.Type, value); fault != nil {
			return fault
		}
	}
	return nil
}

func (in inputs) value(t *ast.Type, value any) *gqlerror.Error {
	if value == nil {
		return nil // whether null may stand here was checked before
	}
	if t.Elem != nil {
		for _, item := range graphql.CoerceList(value) { // one item stands for a list of one
			if fault := in.value(t.Elem, item); fault != nil {
				return fault
			}
		}
		return nil
	}
	definition := in.schema.Types[t.NamedType]
	if definition == nil {
		return nil
	}
	if definition.Kind == ast.Enum {
		if name, ok := value.(string); !ok || definition.EnumValues.ForName(name) == nil {
			return coded(codeValidation, "A value is not one of its enum's, which are written in capitals.")
		}
		return nil
	}
	members, ok := value.(map[string]any)
	if definition.Kind != ast.InputObject || !ok {
		return nil
	}
	if definition.Directives.ForName("oneOf") != nil && !exactlyOne(members) {
		return coded(codeBadInput, "An input marked @oneOf needs exactly one member, and that one not null.")
	}
	for _, field := range definition.Fields {
		if member, given := members[field.Name]; given {
			if fault := in.value(field.Type, member); fault != nil {
				return fault
			}
		}
	}
	return nil
}

func exactlyOne(members map[string]any) bool {
	for _, member := range members {
		if member == nil {
			return false
		}
	}
	return len(members) == 1
}
