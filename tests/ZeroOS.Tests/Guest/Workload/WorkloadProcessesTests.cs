using Xunit;

using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Tests.Oci.Build;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>What zguest reads of /proc; a folder as the kernel writes it stands for that.</summary>
public sealed class WorkloadProcessesTests : IDisposable
{
    private const long UnixMs = 1_000_000_000, SinceBootMs = 100_000;

    private readonly TemporaryDirectory _proc = new();

    public WorkloadProcessesTests() => File.WriteAllText(_proc["meminfo"], "MemTotal:     262144 kB\nMemFree:  1 kB\n");

    public void Dispose() => _proc.Dispose();

    [Fact]
    public void Processes_of_the_workload_are_listed_by_its_own_numbers_and_zguests_are_not()
    {
        Make(1, "zguest", parent: 0, inside: "1");
        Make(40, "nginx", parent: 1, inside: "40\t1", arguments: "nginx\0-g\0daemon off;\0");
        Make(101, "nginx", parent: 40, inside: "101\t7\t1", user: 33, arguments: "nginx: worker\0\0\0");
        Make(9, "sh", parent: 1, inside: "9\t8", arguments: "sh\0");
        Make(2, "kthreadd", parent: 0, inside: "2");
        Directory.CreateDirectory(_proc["sys"]);
        Assert.Equal([(8, 0, "sh"), (1, 0, "nginx -g daemon off;"), (7, 1, "nginx: worker")], Read().Select(p => (p.Id, p.Parent, p.Command)));
        Assert.Equal([0U, 0U, 33U], Read().Select(p => p.User));
    }

    [Fact]
    public void Times_sizes_and_terminal_are_those_of_the_process()
    {
        Make(40, "sh", parent: 1, inside: "40\t1", terminal: (136 << 8) | 3, startTicks: 5_000, cpuTicks: 250, pages: 32_768);
        Make(41, "sh", parent: 1, inside: "41\t2", terminal: (4 << 8) | 64);
        ProcessEntry[] both = [.. Read()];
        ProcessEntry one = both[0];
        Assert.Equal((UnixMs - 50_000, 2_500L, 50, "pts/3"), (one.StartMs, one.CpuMs, one.CpuPer1000, one.Terminal));
        Assert.Equal((128L << 10, 500, 8L, 3, "S"), (one.ResidentKib, one.MemoryPer1000, one.VirtualKib, one.Threads, one.State));
        Assert.Null(both[1].Terminal);
    }

    [Theory]
    [InlineData("S", "a) S 1 (b", "", "[a) S 1 (b]")]
    [InlineData("Z", "gone", "", "[gone] <defunct>")]
    [InlineData("Z", "gone", "gone\0", "[gone] <defunct>")]
    [InlineData("S", "x", "\0\0", "[x]")]
    public void Name_is_shown_of_what_has_no_arguments_whatever_it_is(string state, string name, string arguments, string command)
    {
        Make(40, name, parent: 1, inside: "40\t1", arguments: arguments, state: state);
        ProcessEntry process = Assert.Single(Read());
        Assert.Equal((command, state, 1), (process.Command, process.State, process.Id));
    }

    [Fact]
    public void Long_command_line_is_cut_and_a_process_that_ends_meanwhile_left_out()
    {
        Make(40, "x", parent: 1, inside: "40\t1", arguments: new string('x', 10_000));
        Make(41, "y", parent: 1, inside: "41\t2");
        File.Delete(_proc["41/stat"]);
        Make(42, "z", parent: 1, inside: "42\t3");
        File.WriteAllText(_proc["42/stat"], "42 (z S 1");
        Assert.Equal(new string('x', ProcessEntry.MaxCommandBytes), Assert.Single(Read()).Command);
    }

    private ProcessEntry[] Read() => [.. WorkloadProcesses.Read(_proc.Path, UnixMs, SinceBootMs)];

    private void Make(int number, string name, int parent, string inside, string arguments = "", int user = 0, string state = "S", int terminal = 0,
        long startTicks = 0, long cpuTicks = 0, long pages = 1)
    {
        Directory.CreateDirectory(_proc[$"{number}"]);
        File.WriteAllText(_proc[$"{number}/status"],
            $"Name:\t{name}\nUid:\t5\t{user}\t5\t5\nGroups:\t{string.Join(' ', Enumerable.Range(10_000, 20_000))}\nNSpid:\t{inside}\nThreads:\t3\n");
        File.WriteAllText(_proc[$"{number}/stat"],
            $"{number} ({name}) {state} {parent} 1 1 {terminal} -1 0 0 0 0 0 {cpuTicks - (cpuTicks / 2)} {cpuTicks / 2} 0 0 20 0 3 0 {startTicks} 8192 {pages} "
            + "18446744073709551615 0\n");
        File.WriteAllText(_proc[$"{number}/cmdline"], arguments);
    }
}
