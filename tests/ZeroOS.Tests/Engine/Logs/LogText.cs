using System.Text;

using ZeroOS.Contracts.Bus;
using ZeroOS.Engine.Logs;

namespace ZeroOS.Tests.Engine.Logs;

/// <summary>What a log says, as text.</summary>
internal static class LogText
{
    /// <summary>A line each, behind the number of its stream.</summary>
    public static string Text(MachineLog log)
    {
        StringBuilder text = new();
        foreach ((LogRun run, string output, _) in Runs(new LogReader(log)))
        {
            foreach (string line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                text.Append((int)run.Stream).Append(':').Append(line).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>The rest of what a reader gives.</summary>
    public static string Plain(LogReader reader)
    {
        StringBuilder text = new();
        while (reader.TryRead(out LogChunk chunk))
            text.Append(Encoding.ASCII.GetString(chunk.Bytes.Span));
        return text.ToString();
    }

    /// <summary>The same, run by run, with the times in milliseconds since 1970.</summary>
    public static List<(LogRun Run, string Text, long? Time)> Runs(LogReader reader)
    {
        List<(LogRun, string, long?)> runs = [];
        while (reader.TryRead(out LogChunk chunk))
        {
            int at = 0;
            foreach (LogRun run in chunk.Runs)
            {
                runs.Add((run, Encoding.ASCII.GetString(chunk.Bytes.Span.Slice(at, run.Bytes)), chunk.Time + run.Milliseconds));
                at += run.Bytes;
            }
        }
        return runs;
    }
}
