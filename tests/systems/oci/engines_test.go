package oci

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/world"
)

// image has empty directories, on which the world's directories are mounted. It is the root
// directory of Podman's containers; Docker's image is made from it.
const image = "/run/image"

// setUp makes Podman and Docker work in the world.
func setUp(t *testing.T) {
	t.Helper()
	// crun accepts no mix of both versions of control groups. This view of them is the world's.
	world.Run(t, "sh", "-ec", `
		umount -R /sys/fs/cgroup
		mount -t cgroup2 none /sys/fs/cgroup
		mkdir /dev/shm "$1"
		mount -t tmpfs none /dev/shm
		cd "$1"
		mkdir usr etc var home tmp proc sys dev run
		for name in bin sbin lib lib64; do ln -s usr/$name .; done
		# for a container whose root is another user of the host
		cp -a /etc /run/etc-of-others
		chown -R 100000:100000 /run/etc-of-others`, "sh", image)
	// Without networks, cgroups and limits that need more rights than the tests have.
	world.Put(t, "/etc/containers/containers.conf", `[containers]
cgroups = "disabled"
netns = "none"
default_ulimits = ["nofile=256:256", "nproc=256:256"]
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "none"
`, 0o644)
	world.Put(t, "/etc/containers/storage.conf", `[storage]
driver = "vfs"
graphroot = "/run/podman"
runroot = "/run/podman-run"
`, 0o644)
}

// startDocker starts Docker's daemon, with an image of empty directories; the error says why it
// does not run here.
func startDocker(t *testing.T) error {
	t.Helper()
	const group = "/pam_persistent-oci"
	out, err := world.Try(world.Hung, "sh", "-ec", `
		dockerd --iptables=false --bridge=none --ip-forward=false --storage-driver=vfs \
			--cgroup-parent="$1" --data-root=/run/docker-data \
			--pidfile=/run/docker.pid >/run/docker.log 2>&1 &
		until docker info >/dev/null 2>&1; do
			kill -0 $! || { cat /run/docker.log; exit 1; }
			sleep 0.1
		done
		tar c -C "$2" . | docker import - image`, "sh", group, image)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	t.Cleanup(func() {
		logins.End(t, logins.PIDIn(t, "/run/docker.pid"))
		unix.Rmdir("/sys/fs/cgroup" + group)
	})
	return nil
}

// run runs a shell command in a new container.
func (c cell) run(t *testing.T, script string) string {
	t.Helper()
	etc, where := "/etc", "--rootfs "+image
	if c.own { // the world's UIDs are above 65535
		c.command = strings.ReplaceAll(c.command, ":100000:65536", ":100000:200000")
		etc = "/run/etc-of-others"
	}
	if strings.HasPrefix(c.command, "docker") {
		where = "--network none image"
	}
	t.Setenv("SCRIPT", script)
	out, _ := world.Try(world.Hung, "sh", "-c", strings.ReplaceAll(c.command, "IMAGE",
		"--rm -v /usr:/usr:ro -v "+etc+":/etc -v /home:/home -v "+world.LogPath+":"+
			world.LogPath+" "+where+` sh -c "$SCRIPT"`))
	return out
}
