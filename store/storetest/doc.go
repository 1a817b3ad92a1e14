// Package storetest holds every store to the contract in plr/store.go: Run is
// the one conformance suite, the same for each backend, with no options and no
// list of exceptions.
//
// What lives here: the tests, one file per noun, and makers of sample values
// (sample.go) that other rooms' tests may use too. All of them are test data;
// no number, name or text belongs to a person.
//
// What may be touched: plr only. Time is passed in everywhere: no test sleeps
// and none asks what time it is.
package storetest
