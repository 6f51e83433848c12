//go:build linux

package shmpipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"shmpipe"
)

// Two processes would share the name; here, one is both.
func Example() {
	ctx := context.Background()

	// One process makes the segment and sends.
	name := fmt.Sprintf("shmpipe-test-%d-example", os.Getpid())
	out, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 64 << 10}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer shmpipe.Remove(name, false, nil)
	defer out.Close()
	producer, err := out.Producer()
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"hello", "world"} {
		if err := producer.Send(ctx, []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	producer.Close() // the end of the stream

	// The other opens it and receives.
	in, err := shmpipe.Open(name, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer in.Close()
	consumer, err := in.Consumer()
	if err != nil {
		log.Fatal(err)
	}
	defer consumer.Close()
	buf := make([]byte, 1024)
	for {
		n, err := consumer.Receive(ctx, buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(buf[:n]))
	}
	// Output:
	// hello
	// world
}

// ends are both ends of a ring that has no name, for the examples below.
func ends() (*shmpipe.Producer, *shmpipe.Consumer) {
	pipe, err := shmpipe.Create("shmpipe-test-example", shmpipe.Geometry{Capacity: 64 << 10}, &shmpipe.Options{Backend: shmpipe.Memfd})
	if err != nil {
		log.Fatal(err)
	}
	defer pipe.Close() // the ends keep the memory
	producer, err := pipe.Producer()
	if err != nil {
		log.Fatal(err)
	}
	consumer, err := pipe.Consumer()
	if err != nil {
		log.Fatal(err)
	}
	return producer, consumer
}

// A claim is written in place, which saves a copy, and may turn out shorter than it was asked for.
func ExampleProducer_Claim() {
	ctx := context.Background()
	producer, consumer := ends()
	defer consumer.Close()
	defer producer.Close()

	send := func(r io.Reader) error {
		claim, err := producer.Claim(ctx, 1024)
		if err != nil {
			return err
		}
		defer claim.Abort() // does nothing once committed
		n, err := io.ReadFull(r, claim.Bytes())
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		return claim.Commit(n)
	}
	if err := send(strings.NewReader("read straight into shared memory")); err != nil {
		log.Fatal(err)
	}

	message, err := consumer.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", message.Bytes())
	message.Release()
	// Output: read straight into shared memory
}

// The loop ends at the end of the stream. Each slice is a view of shared memory, valid for one turn.
func ExampleConsumer_Messages() {
	ctx := context.Background()
	producer, consumer := ends()
	defer consumer.Close()
	for typ, text := range []string{"zero", "one"} {
		producer.SetType(uint16(typ))
		if err := producer.Send(ctx, []byte(text)); err != nil {
			log.Fatal(err)
		}
	}
	producer.Close()

	for msg, err := range consumer.Messages(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("type %d: %s\n", consumer.Type(), msg)
	}
	// Output:
	// type 0: zero
	// type 1: one
}

// A stream of bytes goes through a ring by io.Copy.
func ExampleNewWriter() {
	ctx := context.Background()
	producer, consumer := ends()
	defer consumer.Close()
	go func() {
		defer producer.Close()
		if _, err := io.Copy(shmpipe.NewWriter(ctx, producer, 0), strings.NewReader("any reader, any writer\n")); err != nil {
			log.Fatal(err)
		}
	}()
	if _, err := io.Copy(os.Stdout, shmpipe.NewReader(ctx, consumer)); err != nil {
		log.Fatal(err)
	}
	// Output: any reader, any writer
}

// A pair of rings in one segment carries requests and answers.
func ExampleGeometry_duplex() {
	ctx := context.Background()
	pipe, err := shmpipe.Create("shmpipe-test-duplex", shmpipe.Geometry{Capacity: 4096, Rings: 2}, &shmpipe.Options{Backend: shmpipe.Memfd})
	if err != nil {
		log.Fatal(err)
	}
	defer pipe.Close()
	const requests, answers = 0, 1

	server := func() error {
		in, err := pipe.ConsumerOf(requests)
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := pipe.ProducerOf(answers)
		if err != nil {
			return err
		}
		defer out.Close()
		for msg, err := range in.Messages(ctx) {
			if err != nil {
				return err
			}
			if err := out.Send(ctx, []byte(strings.ToUpper(string(msg)))); err != nil {
				return err
			}
		}
		return nil
	}
	done := make(chan error)
	go func() { done <- server() }()

	ask, err := pipe.ProducerOf(requests)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := pipe.ConsumerOf(answers)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Close()
	if err := ask.Send(ctx, []byte("shout")); err != nil {
		log.Fatal(err)
	}
	message, err := answer.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", message.Bytes())
	message.Release()
	ask.Close()
	if err := <-done; err != nil {
		log.Fatal(err)
	}
	// Output: SHOUT
}
