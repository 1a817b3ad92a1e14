// Package web is the pages the server itself draws for people: the start page,
// the page that opens a shared link, the record a recipient sees, the pages
// after signing in and out, and the explorer's files.
//
// What lives here: handlers and templates, the words in English (text_en.go)
// and Welsh (text_cy.go), the files under /static, the headers that every
// answer of the server carries (SecureHeaders), and the one way in which an
// answer with somebody's data is written (WriteDisclosure).
//
// What may be touched: plr and nothing else of ours. No rule of sharing is
// decided here; a page asks plr and shows what comes of it. Every page works
// without JavaScript; the scripts only spare people steps.
package web
