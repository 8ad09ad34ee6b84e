using System.Text.Json;

using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Guest.Sessions;

/// <summary>One session of kind processes: what runs in the machine, as one JSON document.</summary>
/// <param name="link">The session.</param>
/// <param name="orders">What its client says.</param>
/// <param name="read">Reads the workload's processes, in the order of their numbers.</param>
internal sealed class ProcessesSession(SessionLink link, SessionOrders orders, Func<IEnumerable<ProcessEntry>> read)
{
    // What the document has beside the processes.
    private const int Frame = 64;

    /// <summary>Sends them, and says why the session is over.</summary>
    internal SessionEnd Run(byte[] body)
    {
        if (BeginReader.TryRead(body, SessionJson.Default.ProcessesBegin, static _ => null, out string refusal) is null)
            return new SessionEnd(SessionCloseReason.Refused, refusal);
        try
        {
            ChannelWriter output = new(link, orders);
            output.Write(JsonSerializer.SerializeToUtf8Bytes(List(), SessionJson.Default.ProcessList));
            output.End();
            return new SessionEnd(SessionCloseReason.Done, "");
        }
        catch (CopyOverException)
        {
            return link.Over ?? new SessionEnd(SessionCloseReason.Cancelled, "the client wants no more");
        }
    }

    private ProcessList List()
    {
        List<ProcessEntry> list = [];
        int bytes = Frame;
        foreach (ProcessEntry process in read())
        {
            bytes += JsonSerializer.SerializeToUtf8Bytes(process, SessionJson.Default.ProcessEntry).Length + 1;
            if (bytes > ProcessList.MaxBytes || list.Count == ProcessList.Most)
                return new ProcessList { Processes = list, More = true };
            list.Add(process);
        }
        return new ProcessList { Processes = list };
    }
}
