package scale

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A usage is what a process uses of the machine.
type usage struct {
	Threads, Descriptors, Maps int
	Dirty                      int // kB of memory that it has written to and does not share
	Size                       int // kB of address space
}

func usageOf(t *testing.T, pid int) usage {
	t.Helper()
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	descriptors, err := os.ReadDir(dir + "fd")
	if err != nil {
		t.Fatal(err)
	}
	return usage{
		Threads:     field(t, dir+"status", "Threads:"),
		Descriptors: len(descriptors),
		Maps:        strings.Count(read(t, dir+"maps"), "\n"),
		Dirty:       field(t, dir+"smaps_rollup", "Private_Dirty:"),
		Size:        field(t, dir+"status", "VmSize:"),
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// field returns the number after a name.
func field(t *testing.T, path, name string) int {
	t.Helper()
	text := read(t, path)
	_, after, found := strings.Cut(text, name)
	words := strings.Fields(after)
	if !found || len(words) == 0 {
		t.Fatalf("no %s in %s\n%s", name, path, text)
	}
	n, err := strconv.Atoi(words[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// processes counts the processes of this PID namespace, and the zombies among them.
func processes(t *testing.T) (all, zombies int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + entry.Name() + "/status")
		if err != nil { // it has ended meanwhile
			continue
		}
		all++
		if strings.Contains(string(text), "\nState:\tZ") {
			zombies++
		}
	}
	return all, zombies
}

func median(n []int) int {
	n = slices.Sorted(slices.Values(n))
	return n[len(n)/2]
}
