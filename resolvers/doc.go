// Package resolvers answers the fields of schema.graphqls: one file per noun.
//
// A resolver says who is asking, makes one call into plr and shapes the
// payload. What may be touched: no rules, no store types, no time.Now here.
package resolvers
