using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Guest;

namespace ZeroOS.Client;

/// <summary>Output of a machine that follows each other in one stream.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Bytes">The output.</param>
/// <param name="Time">When it came; null: nobody asked, or nobody knows.</param>
public readonly record struct MachineOutput(OutputStream Stream, ReadOnlyMemory<byte> Bytes, DateTimeOffset? Time)
{
    /// <summary>Takes a piece of a log stream apart.</summary>
    /// <exception cref="ClientException">It is none: the data is not base64, or the runs are not of all of it.</exception>
    public static IReadOnlyList<MachineOutput> Of(LogPiece piece)
    {
        byte[] data = new byte[LogPiece.MaxBytes];
        if (!Convert.TryFromBase64String(piece.Data, data, out int length))
            throw new ClientException("the node sent a piece of a log that is not base64, or longer than a piece may be");
        List<MachineOutput> parts = [];
        int at = 0;
        foreach (LogRun run in piece.Runs)
        {
            if (run.Bytes > length - at)
                break;
            parts.Add(new MachineOutput(run.Stream, data.AsMemory(at, run.Bytes), TimeOf(piece, run)));
            at += run.Bytes;
        }
        return at == length && parts.Count == piece.Runs.Count ? parts
            : throw new ClientException("the node sent a piece of a log whose runs are not those of its data");
    }

    private static DateTimeOffset? TimeOf(LogPiece piece, LogRun run)
    {
        if (piece.Time is not { } time || run.Milliseconds is not { } after)
            return null;
        long milliseconds = time.ToUnixTimeMilliseconds() + after;
        return milliseconds >= DateTimeOffset.MinValue.ToUnixTimeMilliseconds() && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
    }
}
