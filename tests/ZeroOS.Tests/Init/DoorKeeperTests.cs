using Xunit;

using ZeroOS.Init;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Init;

public sealed class DoorKeeperTests
{
    private readonly List<int> _killed = [];
    private readonly DoorKeeper _keeper;
    private int _listened;
    private int _lastPid = 100;
    private Errno _refuse;

    public DoorKeeperTests() => _keeper = new DoorKeeper(
        () =>
        {
            _listened++;
            return FileDescriptor.Memory("listener");
        },
        (_, _) => _refuse == Errno.None ? ++_lastPid : throw new LinuxException(_refuse, "posix_spawn", "/init"),
        _killed.Add, new KernelLog());

    [Fact]
    public void A_door_starts_beside_the_node_and_its_link_waits_until_the_node_answers_doors()
    {
        _keeper.Want(true, 0);
        Assert.Null(_keeper.Tick(0));
        Assert.Equal(101, _keeper.Pid);
        Assert.Null(_keeper.Tick(10));
        _keeper.Answer();
        using SeqPacketSocket? link = _keeper.Tick(20);
        Assert.NotNull(link);
        _keeper.Want(false, 25);
        Assert.True(_keeper.Ended(new ProcessExit(101, 0, 0), 30));
        _keeper.Want(true, 35);
        Assert.Null(_keeper.Tick(40));      // the next node has not said so yet
        Assert.Equal(102, _keeper.Pid);
    }

    [Fact]
    public void A_link_that_waits_is_the_last_doors()
    {
        _keeper.Want(true, 0);
        Assert.Null(_keeper.Tick(0));
        Assert.True(_keeper.Ended(new ProcessExit(101, 0, 9), 1));
        Assert.Null(_keeper.Tick(1));
        _keeper.Answer();
        using SeqPacketSocket? link = _keeper.Tick(2);
        Assert.NotNull(link);
        Assert.Null(_keeper.Tick(3));
    }

    [Fact]
    public void No_door_without_a_node_and_one_socket_for_all_of_them()
    {
        Assert.Null(_keeper.Tick(0));
        Assert.Equal(long.MaxValue, _keeper.DueAt);
        WantAnswered();
        using SeqPacketSocket? first = _keeper.Tick(10);
        Assert.NotNull(first);
        Assert.Null(_keeper.Tick(20));
        Assert.True(_keeper.Ended(new ProcessExit(101, 0, 9), 30));
        using SeqPacketSocket? second = _keeper.Tick(30);
        Assert.NotNull(second);
        Assert.Equal((1, 2), (_listened, _keeper.Starts));
    }

    [Fact]
    public void A_door_is_replaced_after_an_hour_when_it_is_broken_and_when_it_outlives_the_node()
    {
        WantAnswered();
        _keeper.Tick(0)!.Dispose();
        Assert.Equal(DoorKeeper.LivesMs, _keeper.DueAt);
        Assert.Null(_keeper.Tick(DoorKeeper.LivesMs));
        Assert.Equal([101], _killed);
        Assert.True(_keeper.Ended(new ProcessExit(101, 0, 9), DoorKeeper.LivesMs));
        _keeper.Tick(DoorKeeper.LivesMs)!.Dispose();
        _keeper.Replace("broken");
        Assert.Equal([101, 102], _killed);
        Assert.True(_keeper.Ended(new ProcessExit(102, 0, 9), DoorKeeper.LivesMs + 1));
        _keeper.Tick(_keeper.DueAt)!.Dispose();
        const long Gone = DoorKeeper.LivesMs + 10;
        _keeper.Want(false, Gone);
        Assert.Equal(Gone + DoorKeeper.LastWordsMs, _keeper.DueAt);
        Assert.Null(_keeper.Tick(_keeper.DueAt - 1));
        Assert.Equal([101, 102], _killed);      // it may pass on what the node said last
        Assert.Null(_keeper.Tick(_keeper.DueAt));
        Assert.Equal([101, 102, 103], _killed);
        Assert.True(_keeper.Ended(new ProcessExit(103, 0, 9), DoorKeeper.LivesMs + 2));
        Assert.Null(_keeper.Tick(long.MaxValue - 1));
    }

    [Fact]
    public void A_door_that_dies_all_the_time_is_never_away_for_more_than_two_seconds()
    {
        WantAnswered();
        long now = 0;
        for (int i = 0; i < 20; i++)
        {
            _keeper.Tick(now)!.Dispose();
            Assert.True(_keeper.Ended(new ProcessExit(_keeper.Pid, 0, 11), now + 5));
            Assert.InRange(_keeper.DueAt - now - 5, 0, 2000);
            now = _keeper.DueAt;
        }
    }

    [Fact]
    public void A_door_that_cannot_be_started_is_tried_again()
    {
        WantAnswered();
        _refuse = Errno.EAGAIN;
        Assert.Null(_keeper.Tick(0));
        _refuse = Errno.None;
        _keeper.Tick(_keeper.DueAt)!.Dispose();
        Assert.False(_keeper.Ended(new ProcessExit(7, 0, 0), 1));
    }

    private void WantAnswered()
    {
        _keeper.Want(true, 0);
        _keeper.Answer();
    }
}
