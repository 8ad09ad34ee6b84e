using ZeroOS.Linux;
using ZeroOS.Node.Init;

namespace ZeroOS.Node;

/// <summary>Role <c>node</c>: the process that has the identity, speaks on the bus and brings deployments to life.</summary>
internal static class NodeRole
{
    /// <summary>Runs until the machine goes down or PID 1 hangs up.</summary>
    internal static int Run(InitConnection init)
    {
        KernelLog log = KernelLog.ForNode();
        using ManualResetEventSlim end = new();
        init.Stopping += end.Set;
        init.Closed += end.Set;
        init.Listen();
        HandedOver left = init.HandOver();
        log.Info($"node runs kvm={FileDescriptor.TryOpen("/dev/kvm", OpenFlags.ReadWrite, 0, out _) is not null} adopted={left.Processes.Count} kept={left.Kept.Count}");
        end.Wait();
        return 0;
    }
}
