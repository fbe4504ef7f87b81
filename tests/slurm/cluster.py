"""A SLURM of this machine alone: one controller and two nodes of one core, without systemd or accounting."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

NODES = ("one", "two")
# What `jobs` tells of each; empty where `scontrol` does not show it.
FIELDS = ["JobId", "ArrayJobId", "JobState", "NodeList", "Restarts", "Comment", "TimeLimit", "StartTime", "EndTime"]
FIELDS += ["TresPerJob", "TresPerNode"]
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "srun")
# Jobs do not inherit SLURM_CONF, hence the one place where SLURM looks by itself.
SYSTEM = Path("/etc/slurm")
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

OURS = "# Made by the tests of Spike Geometry, and removed when they end.\n"
TEMPLATE = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A requeued job waits until its old credential has expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=10
# Nothing listens beyond this machine.
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
# What needs no cgroups.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
# A lost node is noticed after this many seconds, and is back as soon as it answers.
SlurmdTimeout=10
ReturnToService=2
KillWait=2
MinJobAge=3600
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
GresTypes=gpu
NodeName=one NodeHostname={host} NodeAddr=127.0.0.1 Port={one_port} CPUs=1 RealMemory=4000 Gres=gpu:1
NodeName=two NodeHostname={host} NodeAddr=127.0.0.1 Port={two_port} CPUs=1 RealMemory=4000 Gres=gpu:1
PartitionName=main Nodes=one,two Default=YES MaxTime=INFINITE State=UP
"""
# A GPU for each node: SLURM counts it, and no job uses it.
GPUS = "NodeName=one,two Name=gpu File=/dev/null\n"


class ClusterError(Exception):
    """SLURM is not installed here, or does not start."""


class Cluster:
    """The running cluster. Made by `running_cluster`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.servers: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *command: str) -> None:
        """Start a server that stays in the foreground; its log is in the cluster's folder."""
        with open(self.folder / f"{name}.log", "a", encoding="utf-8") as log:
            self.servers[name] = subprocess.Popen(
                [program(command[0]), *command[1:]], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start_node(self, name: str) -> None:
        self.start(f"slurmd-{name}", "slurmd", "-D", "-N", name)
        self.wait(lambda: self.node_state(name).startswith(("IDLE", "MIXED", "ALLOCATED")), f"node {name} to be up")

    def kill_node(self, name: str) -> None:
        """What a power cut does: the node's server and every process of its jobs are gone at once."""
        server = self.servers.pop(f"slurmd-{name}")
        server.kill()
        server.wait()
        kill(processes_of(name))

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait for a condition; where it does not come true, fail with the ends of the servers' logs."""
        wait_for(condition, what, seconds, details=self.logs)

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in sorted(self.folder.glob("*.log")))

    def scontrol(self, *arguments: str) -> str:
        return run("scontrol", *arguments)

    def node_state(self, name: str) -> str:
        """State of a node, UNKNOWN where the controller does not answer yet."""
        try:
            shown = self.scontrol("--oneliner", "show", "node", name)
        except subprocess.CalledProcessError:
            return "UNKNOWN"
        return field(shown, "State")

    def jobs(self) -> list[dict[str, str]]:
        """All jobs that were ever submitted, finished ones too, as `scontrol` shows them."""
        shown = self.scontrol("--oneliner", "show", "job").splitlines()
        return [{name: field(line, name) for name in FIELDS} for line in shown if line.startswith("JobId=")]

    def stop(self) -> None:
        """Stop all that was started, in reverse, and what is left of the jobs."""
        for server in reversed(self.servers.values()):
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        for name in NODES:
            kill(processes_of(name))


@contextmanager
def running_cluster():
    """Start a cluster, and stop it whatever happens; /etc/slurm is afterwards as it was."""
    require_programs()
    if (SYSTEM / "slurm.conf").exists() and "is UP" in run("scontrol", "ping", check=False):
        raise ClusterError(f"A SLURM runs on this machine. {SYSTEM} is left alone: test elsewhere.")
    with ExitStack() as undo:
        # Not pytest's own folder: paths of sockets are short, and munged's folder is open to all.
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        (folder / "state").mkdir()
        cluster = Cluster(folder)
        undo.enter_context(placed(configuration(folder), SYSTEM / "slurm.conf", folder))
        undo.enter_context(placed(GPUS, SYSTEM / "gres.conf", folder))
        undo.callback(cluster.stop)
        cluster.start("munged", *munged_command(folder))
        wait_for((folder / "munge.socket").exists, "munged", 20, details=cluster.logs)
        cluster.start("slurmctld", "slurmctld", "-D")
        for name in NODES:
            cluster.start_node(name)
        yield cluster


def munged_command(folder: Path) -> list[str]:
    """A munged of ours, with a key and a socket of its own, beside any that the machine has."""
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(128))
    options = {
        "key-file": key,
        "socket": folder / "munge.socket",
        "pid-file": folder / "munged.pid",
        "seed-file": folder / "munged.seed",
        "log-file": folder / "munged-own.log",
    }
    return ["munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in options.items())]


def configuration(folder: Path) -> str:
    controller_port, one_port, two_port = free_ports(3)
    return TEMPLATE.format(
        host=socket.gethostname().split(".")[0],
        user=getpass.getuser(),
        folder=folder,
        controller_port=controller_port,
        one_port=one_port,
        two_port=two_port,
    )


@contextmanager
def placed(text: str, path: Path, folder: Path):
    """Put a text into its place among the system's files; a file that was there comes back."""
    ours = folder / path.name
    ours.write_text(OURS + text, encoding="utf-8")
    backup = path.with_name(path.name + ".before-tests")
    as_root("mkdir", "-p", str(path.parent))
    # What a killed test left is no one's.
    if path.exists() and not path.read_text(encoding="utf-8").startswith(OURS):
        as_root("cp", "-a", str(path), str(backup))
    try:
        as_root("cp", str(ours), str(path))
        yield
    finally:
        if backup.exists():
            as_root("mv", str(backup), str(path))
        else:
            as_root("rm", "-f", str(path))


def require_programs() -> None:
    if missing := [name for name in PROGRAMS if not shutil.which(name, path=SEARCHED)]:
        raise ClusterError(f"Not installed: {' '.join(missing)}. Run tools/apt-install slurm-wlm munge and test again.")


def program(name: str) -> str:
    """A server's path: those of the system are not on everyone's PATH."""
    return shutil.which(name, path=SEARCHED)


def run(*command: str, check: bool = True) -> str:
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


def as_root(*command: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    subprocess.run([*prefix, *command], check=True)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def field(line: str, name: str) -> str:
    """Value of a field in a line of `scontrol --oneliner`; empty where it is not there."""
    return next((word.removeprefix(f"{name}=") for word in line.split() if word.startswith(f"{name}=")), "")


def processes_of(node: str) -> list[psutil.Process]:
    """Processes of the jobs of a node, with the step managers that started them."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get("SLURMD_NODENAME") == node:
                managers = [parent for parent in process.parents() if parent.name() == "slurmstepd"]
                found |= {one.pid: one for one in [*managers, process]}
        except psutil.Error:  # ended meanwhile, or another user's
            continue
    return list(found.values())


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def wait_for(condition: Callable[[], bool], what: str, seconds: float, details: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterError(f"Waited {seconds:.0f} s in vain for {what}.\n{details()}")
        time.sleep(0.1)
