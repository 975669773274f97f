package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// Write is the application the lab protects: it appends numbered records to a
// file, each synced, and tells a client of each one after it was synced. The
// client's file is outside of the nodes, so a power cut does not touch it. It
// goes on from the last record it finds, until SIGTERM.
func Write(records, acks, pidfile string) error {
	if err := os.WriteFile(pidfile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return fmt.Errorf("writer: %w", err)
	}
	next, err := lastRecord(records)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(records, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("writer: %w", err)
	}
	defer out.Close()
	client, err := os.OpenFile(acks, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writer: %w", err)
	}
	defer client.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		next++
		if _, err := fmt.Fprintf(out, "%d\n", next); err != nil {
			return fmt.Errorf("writer: %w", err)
		}
		if err := out.Sync(); err != nil {
			return fmt.Errorf("writer: %w", err)
		}
		if _, err := fmt.Fprintf(client, "%d\n", next); err != nil {
			return fmt.Errorf("writer: %w", err)
		}
	}
}

// lastRecord is the number of the last whole record; a torn last line, which
// nobody was told of, is cut off.
func lastRecord(records string) (int, error) {
	f, err := os.OpenFile(records, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("writer: %w", err)
	}
	defer f.Close()
	last, whole := 0, int64(0)
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return last, f.Truncate(whole)
		}
		if err != nil {
			return 0, fmt.Errorf("writer: %w", err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return 0, fmt.Errorf("writer: %s holds %q: %w", records, line, err)
		}
		last, whole = n, whole+int64(len(line))
	}
}

// Numbers reads a file of numbered lines.
func Numbers(path string) ([]int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseNumbers(string(raw))
}

func parseNumbers(text string) ([]int, error) {
	var out []int
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break // being written
		}
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("numbered lines: %w", err)
		}
		out = append(out, n)
	}
	return out, nil
}

// Missing lists the acknowledged numbers that records lacks, in order.
func Missing(acks, records []int) []int {
	have := make(map[int]bool, len(records))
	for _, n := range records {
		have[n] = true
	}
	var missing []int
	for _, n := range acks {
		if !have[n] {
			missing = append(missing, n)
		}
	}
	return missing
}
