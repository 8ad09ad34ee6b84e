using System.Collections.Concurrent;

using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Workload;

/// <summary>Who waits for children and tells their ends. The children are played: a test process has others that are not its to reap.</summary>
public sealed class ReaperTests
{
    private readonly BlockingCollection<ProcessExit> _zombies = [];
    private readonly ConcurrentQueue<string> _calls = new();
    private ProcessExit? _left;

    [Fact]
    public async Task Child_that_ends_before_anybody_knows_it_is_not_lost()
    {
        Reaper reaper = new(Wait);
        Child first = reaper.Start(() => 10);
        Task<ProcessExit> reaping = Task.Run(() => reaper.ReapUntilEnd(first));
        Child quick = reaper.Start(() =>
        {
            _zombies.Add(new ProcessExit(20, 7, 0));
            SpinWait.SpinUntil(() => _calls.Contains("peek 20"), TimeSpan.FromSeconds(20));
            return 20;
        });
        Assert.True(quick.WaitForEnd(TimeSpan.FromSeconds(20)));
        Assert.Equal(new ProcessExit(20, 7, 0), quick.Exit);
        _zombies.Add(new ProcessExit(10, 0, 9));
        Assert.Equal(137, (await reaping.WaitAsync(TimeSpan.FromSeconds(20))).ShellCode);
    }

    [Fact]
    public void End_is_told_while_the_process_id_is_still_the_childs_and_strangers_are_reaped_too()
    {
        Reaper reaper = new(Wait);
        Child child = reaper.Start(() => 10);
        child.OnEnd(() => _calls.Enqueue("told 10"));
        _zombies.Add(new ProcessExit(99, 0, 0));
        _zombies.Add(new ProcessExit(10, 3, 0));
        Assert.Equal(3, reaper.ReapUntilEnd(child).Code);
        Assert.Equal(["peek 99", "reap 99", "peek 10", "told 10", "reap 10"], _calls);
        child.OnEnd(() => _calls.Enqueue("told again"));
        Assert.Equal("told again", _calls.Last());
        Assert.Null(child.IfThere(_ => "still there"));
    }

    [Fact]
    public void Nothing_to_wait_for_is_an_error_and_no_endless_wait() =>
        Assert.Throws<LinuxException>(() =>
        {
            Reaper reaper = new((int _, out ProcessExit exit, bool _) =>
            {
                exit = default;
                return Errno.ECHILD;
            });
            reaper.ReapUntilEnd(new Child(10));
        });

    private Errno Wait(int pid, out ProcessExit exit, bool leave)
    {
        exit = _left ?? _zombies.Take();
        _left = leave ? exit : null;
        _calls.Enqueue($"{(leave ? "peek" : "reap")} {exit.Pid}");
        Assert.True(pid == 0 || pid == exit.Pid);
        return Errno.None;
    }
}
