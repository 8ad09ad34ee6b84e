using ZeroOS.Host.Processes;
using ZeroOS.Linux;
using ZeroOS.Node.Screen;

namespace ZeroOS.Node;

/// <summary>
/// Role <c>node</c>: the process that has the identity, speaks on the bus and brings deployments to life. <see cref="NodeBase"/> is what every start has;
/// <see cref="FullNode"/> goes on from there, or <see cref="RecoveryNode"/> where the node cannot open its identity.
/// </summary>
internal static class NodeRole
{
    /// <summary>Runs until the computer goes down or PID 1 hangs up. A step that fails ends the process; PID 1 starts it again, with back-off.</summary>
    internal static int Run(InitConnection init)
    {
        using QueuedLog log = new(KernelLog.ForNode());
        init.Log = log;
        using ManualResetEventSlim stopping = new(), closed = new(), again = new();
        init.Stopping += stopping.Set;
        init.Closed += closed.Set;
        FetchProcesses fetchers = new(init);
        init.Listen();
        NodeOverview overview = new();
        NodeScreen screen = new(NodeScreen.FromInit(), overview.Screen, log);
        NodeContext context = new(init, init.HandOver(), fetchers, log, overview, screen, new StartSteps(log, overview, screen), again.Set);
        screen.Start();
        IRunningNode node;
        try
        {
            NodeBase start = new(context);
            node = start.Identity.Locked is { } locked ? new RecoveryNode(context, start, locked) : new FullNode(context, start);
        }
        catch (StartFailedException)
        {
            return 1;   // said by the step
        }
        node.Ready();
        WaitHandle.WaitAny([stopping.WaitHandle, closed.WaitHandle, again.WaitHandle]);
        if (stopping.IsSet)
        {
            log.Info("stopping");
            overview.Change(p => p with { Stopping = true, Stage = "stopping: machines have time to end" });
            screen.Show();
            node.Stop();
        }
        else if (again.IsSet)
        {
            node.HangUp();
        }
        return 0;
    }
}
