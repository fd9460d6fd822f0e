package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	streamWindow     = 1 << 20
	connectionWindow = 1 << 30
	// What a peer may have under way before it says otherwise (RFC 9113, section 6.9.2).
	initialSendWindow = 65_535
	deadlineHeader    = "5S"
)

type call struct {
	startedAt time.Time
	message   []byte
	status    string
}

// connection keeps a number of calls under way on one socket. One goroutine does it all: it reads
// what is there, begins a call for each that ended, and writes once nothing more is there to read.
type connection struct {
	settings settings
	reader   *bufio.Reader
	writer   *bufio.Writer
	framer   *http2.Framer
	socket   net.Conn
	block    bytes.Buffer
	encoder  *hpack.Encoder
	random   *rand.Rand
	calls    map[uint32]*call
	free     []*call
	nextID   uint32
	request  []byte
	key      []byte
	// sendWindow is what the server still takes on the whole connection.
	sendWindow int64
	// waiting calls could not begin for want of it.
	waiting  int
	received int64
	tally    tally
}

func openConnection(s settings, index uint64) (*connection, error) {
	socket, err := net.DialTimeout("tcp", s.address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	c := &connection{
		settings:   s,
		socket:     socket,
		reader:     bufio.NewReaderSize(socket, 256<<10),
		writer:     bufio.NewWriterSize(socket, 256<<10),
		random:     rand.New(rand.NewPCG(s.seed, index)),
		calls:      map[uint32]*call{},
		nextID:     1,
		sendWindow: initialSendWindow,
		tally:      newTally(),
	}
	c.encoder = hpack.NewEncoder(&c.block)
	c.framer = http2.NewFramer(c.writer, c.reader)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.framer.SetReuseFrames()
	if _, err := io.WriteString(c.writer, http2.ClientPreface); err != nil {
		return nil, err
	}
	window := http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow}
	if err := c.framer.WriteSettings(window); err != nil {
		return nil, err
	}
	if err := c.framer.WriteWindowUpdate(0, connectionWindow-initialSendWindow); err != nil {
		return nil, err
	}
	return c, c.writer.Flush()
}

func (c *connection) run(until time.Time) error {
	defer c.socket.Close()
	// A server that hangs must not make the measurement hang.
	if err := c.socket.SetDeadline(until.Add(10 * time.Second)); err != nil {
		return err
	}
	for range c.settings.streams {
		if err := c.begin(); err != nil {
			return err
		}
	}
	for len(c.calls) > 0 || c.waiting > 0 {
		if c.reader.Buffered() == 0 {
			if err := c.writer.Flush(); err != nil {
				return err
			}
		}
		ended, err := c.read()
		if err != nil {
			return err
		}
		if ended && time.Now().Before(until) {
			if err := c.begin(); err != nil {
				return err
			}
		}
		if !time.Now().Before(until) {
			c.waiting = 0
		}
	}
	return nil
}

func (c *connection) begin() error {
	c.key = appendKey(c.key[:0], c.random.Uint64()%c.settings.keySpace, c.settings.keyBytes)
	c.request = append(c.request[:0], 0, 0, 0, 0, 0)
	c.request = c.settings.dialect.request(c.request, c.key, c.settings.value)
	binary.BigEndian.PutUint32(c.request[1:], uint32(len(c.request)-5))
	if int64(len(c.request)) > c.sendWindow {
		c.waiting++
		return nil
	}
	c.sendWindow -= int64(len(c.request))
	c.block.Reset()
	for _, field := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: c.settings.dialect.path},
		{Name: ":authority", Value: c.settings.address},
		{Name: "te", Value: "trailers"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "grpc-timeout", Value: deadlineHeader},
	} {
		if err := c.encoder.WriteField(field); err != nil {
			return err
		}
	}
	id := c.nextID
	c.nextID += 2
	c.calls[id] = c.newCall()
	headers := http2.HeadersFrameParam{
		StreamID:      id,
		BlockFragment: c.block.Bytes(),
		EndHeaders:    true,
	}
	if err := c.framer.WriteHeaders(headers); err != nil {
		return err
	}
	return c.framer.WriteData(id, true, c.request)
}

func (c *connection) newCall() *call {
	started := &call{}
	if last := len(c.free) - 1; last >= 0 {
		started, c.free = c.free[last], c.free[:last]
	}
	started.startedAt = time.Now()
	started.message = started.message[:0]
	started.status = ""
	return started
}

// read handles one frame; true: a call ended.
func (c *connection) read() (bool, error) {
	frame, err := c.framer.ReadFrame()
	if err != nil {
		return false, err
	}
	switch frame := frame.(type) {
	case *http2.MetaHeadersFrame:
		return c.onHeaders(frame)
	case *http2.DataFrame:
		return c.onData(frame)
	case *http2.SettingsFrame:
		if frame.IsAck() {
			return false, nil
		}
		return false, c.framer.WriteSettingsAck()
	case *http2.PingFrame:
		if frame.IsAck() {
			return false, nil
		}
		return false, c.framer.WritePing(true, frame.Data)
	case *http2.WindowUpdateFrame:
		if frame.StreamID == 0 {
			c.sendWindow += int64(frame.Increment)
		}
		return false, c.beginWaiting()
	case *http2.RSTStreamFrame:
		return c.end(frame.StreamID, "reset "+frame.ErrCode.String())
	case *http2.GoAwayFrame:
		return false, fmt.Errorf("the server goes away: %s %s", frame.ErrCode, frame.DebugData())
	}
	return false, nil
}

func (c *connection) beginWaiting() error {
	for c.waiting > 0 && c.sendWindow > 64<<10 {
		c.waiting--
		if err := c.begin(); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) onHeaders(frame *http2.MetaHeadersFrame) (bool, error) {
	for _, field := range frame.Fields {
		if field.Name == "grpc-status" {
			if under := c.calls[frame.StreamID]; under != nil {
				under.status = field.Value
			}
		}
	}
	if !frame.StreamEnded() {
		return false, nil
	}
	status := "no status"
	if under := c.calls[frame.StreamID]; under != nil && under.status != "" {
		status = under.status
	}
	return c.end(frame.StreamID, status)
}

func (c *connection) onData(frame *http2.DataFrame) (bool, error) {
	if under := c.calls[frame.StreamID]; under != nil {
		under.message = append(under.message, frame.Data()...)
	}
	c.received += int64(frame.Header().Length)
	if c.received > connectionWindow/2 {
		if err := c.framer.WriteWindowUpdate(0, uint32(c.received)); err != nil {
			return false, err
		}
		c.received = 0
	}
	if !frame.StreamEnded() {
		return false, nil
	}
	return c.end(frame.StreamID, "no trailers")
}

func (c *connection) end(id uint32, status string) (bool, error) {
	ended := c.calls[id]
	if ended == nil {
		return false, nil
	}
	delete(c.calls, id)
	c.free = append(c.free, ended)
	if status != "0" {
		c.tally.fail("grpc-status " + status)
		return true, nil
	}
	if len(ended.message) < 5 || int(binary.BigEndian.Uint32(ended.message[1:])) != len(ended.message)-5 {
		return false, fmt.Errorf("an answer that is no single message: %x", ended.message)
	}
	answer, err := c.settings.dialect.answer(ended.message[5:])
	if err != nil {
		return false, err
	}
	if answer.code != 0 {
		c.tally.fail("error " + strconv.FormatUint(answer.code, 10))
		return true, nil
	}
	c.tally.succeed(time.Since(ended.startedAt), answer)
	return true, nil
}

// appendKey writes a number with leading zeros.
func appendKey(to []byte, number uint64, length int) []byte {
	start := len(to)
	for range length {
		to = append(to, '0')
	}
	for at := len(to) - 1; at >= start && number > 0; at-- {
		to[at] = byte('0' + number%10)
		number /= 10
	}
	return to
}
