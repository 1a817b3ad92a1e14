package signin

import "github.com/redis/go-redis/v9"

// Every script that sign-in runs in Redis. Each names its keys, and all keys of
// one script share a hash tag, so that a cluster can run it. None is sent a
// second time when the answer was lost: what it did may have been done.

var (
	// holdEpochScript gives an account's epoch (KEYS[1]), ARGV[1] when it has none.
	// The epoch starts anywhere and only grows, so that an epoch made anew after
	// Redis lost the key meets none that an old session remembers. It lives ARGV[2]
	// from here on, longer than any session that begins now.
	holdEpochScript = redis.NewScript(`
local epoch = redis.call('GET', KEYS[1])
if epoch then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return epoch
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`)

	// raiseEpochScript makes every session of the account's epoch (KEYS[1]) an old
	// one. Without an epoch there is no session to end.
	raiseEpochScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('INCR', KEYS[1]) end
return 1`)

	// moveEpochScript moves the account's epoch (KEYS[1]) from ARGV[1] to ARGV[2]. It
	// gives 0 when it was another by then: whoever lived by ARGV[1] has been ended.
	moveEpochScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1`)

	// providerLogoutScript moves the time of a person's newest sign-out at the
	// provider (KEYS[1]) forward to ARGV[1], and never back.
	providerLogoutScript = redis.NewScript(`
local held = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if tonumber(ARGV[1]) > held then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`)

	// replaceScript changes a record (KEYS[1]) only if it is still what was read: it
	// neither revives a session that has ended nor undoes what another request wrote.
	replaceScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`)

	// listSessionScript puts a session (ARGV[3]) that ends at ARGV[2] on the list of
	// its account (KEYS[1]), and takes those off that ended before ARGV[1].
	listSessionScript = redis.NewScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`)

	// takeScript takes a transaction (KEYS[1]) so that exactly one caller gets it,
	// and leaves a mark (KEYS[2]) that it was there: a replay is told from an invention.
	takeScript = redis.NewScript(`
local record = redis.call('GETDEL', KEYS[1])
if record then
  redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
  return record
end
if redis.call('EXISTS', KEYS[2]) == 1 then return '' end
return false`)

	// takeCodeScript takes an app's code (KEYS[1]) so that exactly one caller gets
	// it, and leaves a mark (KEYS[2]): ARGV[1] with the record. Presented again, the
	// mark says so by beginning with ARGV[2], and is given as it then is.
	takeCodeScript = redis.NewScript(`
local mark = redis.call('GETDEL', KEYS[1])
if mark then
  mark = ARGV[1] .. mark
else
  mark = redis.call('GET', KEYS[2])
  if not mark then return false end
  mark = ARGV[2] .. string.sub(mark, 2)
end
redis.call('SET', KEYS[2], mark, 'PX', ARGV[3])
return mark`)
)
