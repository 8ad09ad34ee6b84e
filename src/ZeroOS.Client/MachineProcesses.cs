using System.Text.Json;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client;

/// <summary>
/// Reads what runs in a machine, from a session of kind processes. The machine is not believed: it may list what it likes, but no more than fits.
/// </summary>
public static class MachineProcesses
{
    private const uint Output = 1;

    // The last millisecond of the year 9999, after which a DateTimeOffset has no room.
    private const long LastMs = 253_402_300_799_999;

    // A workload can make the kernel wait for it where its memory is read, and with it whoever reads.
    private static readonly TimeSpan s_within = TimeSpan.FromSeconds(20);

    /// <summary>The whole list.</summary>
    /// <exception cref="SessionException">There is none: the reason says why.</exception>
    public static async Task<ProcessList> ReadAsync(Session session, CancellationToken cancellation)
    {
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        within.CancelAfter(s_within);
        try
        {
            byte[] text = new byte[ProcessList.MaxBytes + 1];
            int length = 0;
            while (length < text.Length && await session.ReadAsync(Output, text.AsMemory(length), within.Token) is > 0 and int count)
                length += count;
            if (length == text.Length)
                throw new SessionException(SessionCloseReason.Protocol, $"the machine's list of processes is longer than {ProcessList.MaxBytes} bytes");
            await CopySession.RequireDoneAsync(session, within.Token);
            return Parse(text.AsSpan(0, length)) ?? throw new SessionException(SessionCloseReason.Protocol, "the machine's list of processes cannot be read");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new SessionException(SessionCloseReason.TimedOut, $"the machine did not list its processes within {s_within.TotalSeconds} seconds");
        }
    }

    /// <summary>Reads the list; null: it is none.</summary>
    internal static ProcessList? Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, SessionJson.Default.ProcessList) is { Processes.Count: <= ProcessList.Most } list
                && list.Processes.All(IsProcess) ? list : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsProcess(ProcessEntry? process) => process is
    {
        Id: > 0,
        Parent: >= 0,
        State.Length: 1,
        Threads: >= 0,
        StartMs: >= 0 and <= LastMs,
        CpuMs: >= 0,
        CpuPer1000: >= 0,
        MemoryPer1000: >= 0 and <= 1000,
        VirtualKib: >= 0,
        ResidentKib: >= 0,
    };
}
