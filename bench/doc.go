// Package bench measures load and cost, as ratios within one run: absolute
// figures belong to the machine they were taken on, and no test asserts them.
//
// What may be touched: it speaks to a running server only, and nothing imports
// it. Benchmarks of one room's own code lie in that room.
package bench
