// Holds a server against Go's gRPC client: all four kinds of calls, deadlines, cancellation, gzip,
// large messages and many streams at a time. Each check prints one line, `ok NAME` or `failed NAME:
// WHY`; the exit code is 1 when one failed.
//
//	grpcpeer ADDRESS
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	largeBytes      = 4 << 20
	manyStreams     = 1_000
	messagesPerKind = 100
)

// Messages are bytes here: what they mean is not what is checked.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(value any) ([]byte, error) {
	message, ok := value.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("no bytes: %T", value)
	}
	return *message, nil
}

func (rawCodec) Unmarshal(data []byte, value any) error {
	message, ok := value.(*[]byte)
	if !ok {
		return fmt.Errorf("no bytes: %T", value)
	}
	*message = bytes.Clone(data)
	return nil
}

type check struct {
	name string
	run  func(ctx context.Context, connection *grpc.ClientConn) error
}

var checks = []check{
	{"unary", unary(1_000)},
	{"unary of 4 MiB", unary(largeBytes)},
	{"unary of nothing", unary(0)},
	{"unary with gzip", unary(1_000_000, grpc.UseCompressor(gzip.Name))},
	{"metadata both ways, of bytes as well", metadataBothWays},
	{"server stream", serverStream},
	{"client stream", clientStream},
	{"bidi stream", bidiStream},
	{"bidi stream with gzip", bidiPacked},
	{"bidi stream of 4 MiB messages", bidiLarge},
	{"deadline", deadline},
	{"deadline of a stream", streamDeadline},
	{"cancel", cancelled},
	{"failure with details", failure},
	{"unknown method", unknownMethod},
	{"1,000 calls at a time", manyCalls},
	{"1,000 streams at a time", manyBidi},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: grpcpeer ADDRESS")
		os.Exit(2)
	}
	connection, err := grpc.NewClient(
		"passthrough:///"+os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(
			grpc.ForceCodec(rawCodec{}),
			grpc.MaxCallRecvMsgSize(2*largeBytes),
			grpc.MaxCallSendMsgSize(2*largeBytes),
		),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	failed := 0
	for _, one := range checks {
		ctx, done := context.WithTimeout(context.Background(), 30*time.Second)
		err := one.run(ctx, connection)
		done()
		if err == nil {
			fmt.Println("ok", one.name)
			continue
		}
		failed++
		fmt.Printf("failed %s: %v\n", one.name, err)
	}
	_ = connection.Close()
	if failed > 0 {
		os.Exit(1)
	}
}

func pattern(size int) []byte {
	message := make([]byte, size)
	for at := range message {
		message[at] = byte(at * at >> 4)
	}
	return message
}

func expectBytes(answer, wanted []byte) error {
	if bytes.Equal(answer, wanted) {
		return nil
	}
	return fmt.Errorf("%d bytes came back, not the same as the %d", len(answer), len(wanted))
}

func expectCode(err error, wanted codes.Code) error {
	if code := status.Code(err); code != wanted {
		return fmt.Errorf("%v, not %v: %v", code, wanted, err)
	}
	return nil
}

func unary(size int, options ...grpc.CallOption) func(context.Context, *grpc.ClientConn) error {
	return func(ctx context.Context, connection *grpc.ClientConn) error {
		request, answer := pattern(size), []byte(nil)
		if err := connection.Invoke(ctx, "/test.Service/Echo", &request, &answer, options...); err != nil {
			return err
		}
		return expectBytes(answer, request)
	}
}

func metadataBothWays(ctx context.Context, connection *grpc.ClientConn) error {
	sent := string([]byte{0, 1, 255})
	ctx = metadata.AppendToOutgoingContext(ctx, "x-sent", "a, b", "x-sent-bin", sent)
	request, answer := []byte("x"), []byte(nil)
	var head metadata.MD
	if err := connection.Invoke(ctx, "/test.Service/Echo", &request, &answer, grpc.Header(&head)); err != nil {
		return err
	}
	text, raw := head.Get("x-seen"), head.Get("x-seen-bin")
	if len(text) != 1 || text[0] != "a, b" || len(raw) != 1 || raw[0] != sent {
		return fmt.Errorf("the server saw %q and %q", text, raw)
	}
	return nil
}

func open(ctx context.Context, connection *grpc.ClientConn, name string, options ...grpc.CallOption) (grpc.ClientStream, error) {
	description := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	return connection.NewStream(ctx, description, "/test.Service/"+name, options...)
}

// Sends some messages, says that these were all, and returns what comes back until the end.
func exchange(stream grpc.ClientStream, messages ...[]byte) ([][]byte, error) {
	sent := make(chan error, 1)
	go func() {
		for _, message := range messages {
			if err := stream.SendMsg(&message); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseSend()
	}()
	var answers [][]byte
	for {
		var answer []byte
		err := stream.RecvMsg(&answer)
		if errors.Is(err, io.EOF) {
			return answers, <-sent
		}
		if err != nil {
			return answers, err
		}
		answers = append(answers, answer)
	}
}

func serverStream(ctx context.Context, connection *grpc.ClientConn) error {
	stream, err := open(ctx, connection, "StreamCount")
	if err != nil {
		return err
	}
	answers, err := exchange(stream, []byte(strconv.Itoa(messagesPerKind)))
	if err == nil && len(answers) != messagesPerKind {
		err = fmt.Errorf("%d answers", len(answers))
	}
	return err
}

func clientStream(ctx context.Context, connection *grpc.ClientConn) error {
	stream, err := open(ctx, connection, "StreamSum")
	if err != nil {
		return err
	}
	messages := make([][]byte, messagesPerKind)
	for at := range messages {
		messages[at] = pattern(at * 100)
	}
	answers, err := exchange(stream, messages...)
	if err != nil {
		return err
	}
	if len(answers) != 1 || string(answers[0]) != "100 messages, 495000 bytes" {
		return fmt.Errorf("answered by %q", answers)
	}
	return nil
}

func bidi(ctx context.Context, connection *grpc.ClientConn, count, size int, options ...grpc.CallOption) error {
	stream, err := open(ctx, connection, "StreamEcho", options...)
	if err != nil {
		return err
	}
	messages := make([][]byte, count)
	for at := range messages {
		messages[at] = pattern(size + at)
	}
	answers, err := exchange(stream, messages...)
	if err != nil {
		return err
	}
	if len(answers) != count {
		return fmt.Errorf("%d answers to %d messages", len(answers), count)
	}
	for at, answer := range answers {
		if err := expectBytes(answer, messages[at]); err != nil {
			return err
		}
	}
	return nil
}

func bidiStream(ctx context.Context, connection *grpc.ClientConn) error {
	return bidi(ctx, connection, messagesPerKind, 300)
}

func bidiPacked(ctx context.Context, connection *grpc.ClientConn) error {
	return bidi(ctx, connection, messagesPerKind, 10_000, grpc.UseCompressor(gzip.Name))
}

func bidiLarge(ctx context.Context, connection *grpc.ClientConn) error {
	return bidi(ctx, connection, 8, largeBytes-8)
}

func deadline(ctx context.Context, connection *grpc.ClientConn) error {
	ctx, done := context.WithTimeout(ctx, 100*time.Millisecond)
	defer done()
	request, answer := []byte("x"), []byte(nil)
	return expectCode(connection.Invoke(ctx, "/test.Service/Never", &request, &answer), codes.DeadlineExceeded)
}

func streamDeadline(ctx context.Context, connection *grpc.ClientConn) error {
	ctx, done := context.WithTimeout(ctx, 100*time.Millisecond)
	defer done()
	stream, err := open(ctx, connection, "StreamOpen")
	if err != nil {
		return err
	}
	var answer []byte
	return expectCode(stream.RecvMsg(&answer), codes.DeadlineExceeded)
}

// Also looks whether the server has heard of it.
func cancelled(ctx context.Context, connection *grpc.ClientConn) error {
	inner, cancel := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, cancel)
	request, answer := []byte("x"), []byte(nil)
	if err := expectCode(connection.Invoke(inner, "/test.Service/Never", &request, &answer), codes.Canceled); err != nil {
		return err
	}
	for {
		if err := connection.Invoke(ctx, "/test.Service/Aborted", &request, &answer); err != nil {
			return err
		}
		// The one before had a deadline, and this one was given up.
		if string(answer) == "2" {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func failure(ctx context.Context, connection *grpc.ClientConn) error {
	request, answer := []byte("x"), []byte(nil)
	err := connection.Invoke(ctx, "/test.Service/Fail", &request, &answer)
	if err := expectCode(err, codes.FailedPrecondition); err != nil {
		return err
	}
	said := status.Convert(err)
	if said.Message() != "not the leader: 100 % „no“" {
		return fmt.Errorf("the message is %q", said.Message())
	}
	// Of types that this program knows: the details are unpacked by the library itself.
	text := fmt.Sprint(said.Details()...)
	for _, part := range []string{"NOT_LEADER", "d-engine", "4001", "maybeApplied"} {
		if !bytes.Contains([]byte(text), []byte(part)) {
			return fmt.Errorf("no %s in the details %s", part, text)
		}
	}
	return nil
}

func unknownMethod(ctx context.Context, connection *grpc.ClientConn) error {
	request, answer := []byte("x"), []byte(nil)
	return expectCode(connection.Invoke(ctx, "/test.Service/Nothing", &request, &answer), codes.Unimplemented)
}

func together(count int, run func() error) error {
	outcomes := make(chan error, count)
	var group sync.WaitGroup
	for range count {
		group.Go(func() { outcomes <- run() })
	}
	group.Wait()
	close(outcomes)
	for err := range outcomes {
		if err != nil {
			return err
		}
	}
	return nil
}

func manyCalls(ctx context.Context, connection *grpc.ClientConn) error {
	return together(manyStreams, func() error { return unary(1_000)(ctx, connection) })
}

func manyBidi(ctx context.Context, connection *grpc.ClientConn) error {
	return together(manyStreams, func() error { return bidi(ctx, connection, 3, 1_000) })
}
