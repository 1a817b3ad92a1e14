// Package bench measures load and cost, as ratios within one run: absolute
// figures belong to the machine they were taken on, and no test asserts them.
//
// What may be touched: it speaks to a running server only, and nothing imports
// it. Benchmarks of one room's own code lie in that room.
//
// # A million learners in the embedded store
//
// On two cores with four other jobs at work (load 9), but for the import, which
// had them to itself; of learners made by "server generate" with 15 events each.
// Look-ups of random learners, 20,000 each, with the file in the page cache:
//
//	                          1,000       100,000     1,000,000
//	Record, p50                1.00         1.10          1.24
//	Record, p99                1.00         1.16          1.12
//	MasterULN, p50             1.00         1.02          0.98
//	Sharing, nothing shared    1.00         0.50          0.50
//	a durable write, p50       1.00         1.19          1.77
//
// With a cold page cache a record of the million costs one read of the disk: 8.6
// times at p50. So the machine wants memory for the file: 2.4 GB for the million,
// in which a record takes 1.9 KB (11 KB as JSON) before the tree's own share.
//
//	server generate, 1,000,000   510 s, 160 MB of memory beside the mapped file
//	the same again               under 1 s: it asks the store and has nothing to do
//	server import, 1,000,000     671 s from XML through a pipe, 75 MB, no reject
//	server backup, restore       11 s and 12 s, 3 MB and 28 MB
//	server purge -dry-run        38 s, 7 MB
//
// Resident memory as tools show it (VmHWM) is up to the file's size more: pages
// of the mapped file, which the system takes back when it needs them.
package bench
