package main

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// repeatable are the commands that may be sent a second time when the
// connection broke: they change nothing. All others, scripts above all, may have
// been executed although no answer came, and a counter would count twice.
// The second line is how the client sets a connection up.
var repeatable = map[string]bool{
	"get": true, "exists": true, "pttl": true, "zrange": true, "zscore": true, "ping": true, "time": true,
	"hello": true, "auth": true, "select": true, "client": true, "readonly": true, "cluster": true, "command": true,
}

// connectionBroke says that the connection ended under a command. A Redis that
// is slow is not asked again: it has had its time.
func connectionBroke(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// repeatReads sends a repeatable command once more when the connection broke,
// as every pooled connection does when Redis is restarted or fails over.
type repeatReads struct{}

// DialHook is part of redis.Hook.
func (repeatReads) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (repeatReads) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if repeatable[cmd.Name()] && connectionBroke(err) && ctx.Err() == nil {
			cmd.SetErr(nil)
			err = next(ctx, cmd)
		}
		return err
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (repeatReads) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// sentOnce keeps a cluster's client from sending a command again that is not
// repeatable: it retries whatever looks like a broken connection.
type sentOnce struct{}

// DialHook is part of redis.Hook.
func (sentOnce) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (sentOnce) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if !repeatable[cmd.Name()] && mayHaveRun(err) {
			err = unknownOutcome{timeout: isRedisTimeout(err)}
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook is part of redis.Hook. The client sets connections up by pipelines.
func (sentOnce) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		once := slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return !repeatable[cmd.Name()] })
		if once && mayHaveRun(err) {
			err = unknownOutcome{timeout: isRedisTimeout(err)}
		}
		return err
	}
}

// mayHaveRun: anything but an answer of Redis and a connection that never was.
func mayHaveRun(err error) bool {
	var answer redis.Error
	var dial *net.OpError
	return err != nil && !errors.As(err, &answer) && !(errors.As(err, &dial) && dial.Op == "dial")
}

func isRedisTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
}

// unknownOutcome is a failure after which the command may or may not have run.
// It hides its cause, by which the client below would decide to send again.
type unknownOutcome struct{ timeout bool }

func (unknownOutcome) Error() string { return "the connection to Redis broke before the answer came" }

// Is lets callers tell a timeout, without being one that is retried.
func (u unknownOutcome) Is(target error) bool { return u.timeout && target == context.DeadlineExceeded }
