using System.Globalization;

using ZeroOS.Contracts.Init;
using ZeroOS.Host.Processes;
using ZeroOS.Images.Fetch;
using ZeroOS.Linux;

namespace ZeroOS.Node;

/// <summary>
/// Starts fetch processes through PID 1, in the jails its table gives them, and lets it forget their ends. <see cref="Start"/> is what a
/// <see cref="FetchClient"/> wants.
/// </summary>
internal sealed class FetchProcesses
{
    private const long FetchMemory = 256L << 20, ConvertMemory = 192L << 20;
    private readonly InitConnection _init;
    private int _started;

    /// <summary>Make it before <see cref="InitConnection.Listen"/>, so that no end is missed.</summary>
    public FetchProcesses(InitConnection init)
    {
        _init = init;
        init.Exited += Forget;
    }

    /// <summary>Starts the process of a role and returns the node's end of its socket.</summary>
    /// <exception cref="InitRefusedException">PID 1 or the kernel refused.</exception>
    public FileDescriptor Start(string role)
    {
        (SeqPacketSocket node, SeqPacketSocket other) = SeqPacketSocket.Pair();
        using (other)
        {
            bool convert = role == FetchClient.ConvertRoleName;
            string name = string.Create(CultureInfo.InvariantCulture, $"{role}-{Environment.ProcessId}-{Interlocked.Increment(ref _started)}");
            try
            {
                _init.Start(convert ? JailedProgram.Convert : JailedProgram.Fetch, name, [InitLimits.FirstDescriptor.ToString(CultureInfo.InvariantCulture)],
                    convert ? ConvertMemory : FetchMemory, [other.Descriptor]);
            }
            catch (IOException)
            {
                node.Dispose();
                throw;
            }
            return node.Descriptor;
        }
    }

    /// <summary>Ends of a former node's fetch processes need not be told again; those that still run see their socket closed and end.</summary>
    public void Adopt(HandedOver left)
    {
        foreach (HeldProcess process in left.Processes.Where(p => p.HasEnded))
            Forget(process);
    }

    private void Forget(HeldProcess process)
    {
        if (process.Program is JailedProgram.Fetch or JailedProgram.Convert)
            _init.Acknowledge(process.Name);
    }
}
