using System.Text.Json;

using ZeroOS.Bus.Sessions;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Client;

/// <summary>What a copy into a machine and one out of it have in common, whatever is done with the bytes.</summary>
public static class CopySession
{
    /// <summary>Channels of both kinds.</summary>
    public const uint Input = 0, Output = 1;

    private const int MaxLineBytes = 16 << 10;

    /// <summary>What is at the path of a copy into a machine: its side says that first.</summary>
    /// <exception cref="SessionException">It does not say so, or the session has ended.</exception>
    public static async Task<CopyTarget> TargetAsync(Session copy, CancellationToken cancellation)
    {
        byte[] line = new byte[MaxLineBytes];
        for (int length = 0; length < line.Length;)
        {
            int count = await copy.ReadAsync(Output, line.AsMemory(length), cancellation);
            if (count == 0)
                break;
            length += count;
            if (line[length - 1] != '\n')
                continue;
            try
            {
                return JsonSerializer.Deserialize(line.AsSpan(0, length), SessionJson.Default.CopyTarget) ?? throw new JsonException();
            }
            catch (JsonException)
            {
                break;
            }
        }
        throw new SessionException(SessionCloseReason.Protocol, "the machine does not say what is at the path");
    }

    /// <summary>Waits for the other side's last word.</summary>
    /// <exception cref="SessionException">The copy is not whole.</exception>
    public static async Task RequireDoneAsync(Session copy, CancellationToken cancellation)
    {
        SessionException end = await copy.Ended.WaitAsync(cancellation);
        if (end.Reason != SessionCloseReason.Done)
            throw end;
    }
}
