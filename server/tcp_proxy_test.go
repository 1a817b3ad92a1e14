package main

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// tcpProxy stands before a server and can move, delay or cut what goes through.
type tcpProxy struct {
	listener  net.Listener
	mu        sync.Mutex
	target    string        // "" refuses every connection
	delay     time.Duration // before each piece of an answer
	lose      int           // answers to lose, each with its connection
	lostSoFar int
	waited    int // pieces that were delayed
	open      map[net.Conn]bool
}

func newTCPProxy(t *testing.T) *tcpProxy {
	t.Helper()
	p := &tcpProxy{listener: freeListener(t), open: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = p.listener.Close(); p.cut() })
	go func() {
		for {
			conn, err := p.listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *tcpProxy) port() int    { return p.listener.Addr().(*net.TCPAddr).Port }
func (p *tcpProxy) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port()) }

// to leads to another server from now on; connections there are cut.
func (p *tcpProxy) to(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.cut()
}

func (p *tcpProxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.waited = delay, 0
}

// waits is how many answers were delayed since slow.
func (p *tcpProxy) waits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waited
}

// loseAnswers cuts the next n connections on which an answer comes.
func (p *tcpProxy) loseAnswers(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose += n
}

func (p *tcpProxy) lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lostSoFar
}

func (p *tcpProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *tcpProxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	if target == "" {
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.mu.Lock()
	p.open[client] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, client)
	}()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		lose, delay := p.lose > 0, p.delay
		if lose {
			p.lose--
			p.lostSoFar++
		}
		if delay > 0 {
			p.waited++
		}
		p.mu.Unlock()
		if lose {
			return
		}
		if delay > 0 {
			<-time.After(delay)
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
