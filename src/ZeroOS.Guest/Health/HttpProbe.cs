using System.Globalization;
using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Health;

/// <summary>Asks by one GET (RFC 9112): the status is the answer. Nothing after the status line is read.</summary>
internal sealed class HttpProbe(HttpCheck check)
{
    private const int MaxStatusLine = 1024;

    /// <summary>Asks once.</summary>
    internal ProbeOutcome Ask(long untilMs)
    {
        using StreamSocket? socket = LoopbackDial.TryDial((ushort)check.Port, untilMs, out ProbeOutcome refusal);
        if (socket is null)
            return refusal;
        // Shorter than what a socket takes at once.
        string request = $"GET {check.Path} HTTP/1.1\r\nHost: localhost:{check.Port}\r\nUser-Agent: zguest\r\nAccept: */*\r\nConnection: close\r\n\r\n";
        if (socket.TrySendAll(Encoding.ASCII.GetBytes(request)) is var errno && errno != Errno.None)
            return ProbeOutcome.Say(1, $"the connection broke: {errno}");
        byte[] heard = new byte[MaxStatusLine];
        int length = 0;
        while (length < heard.Length && heard.AsSpan(0, length).IndexOf((byte)'\n') < 0)
        {
            if (!Polling.IsReadable(socket.Descriptor, (int)Math.Max(untilMs - Environment.TickCount64, 0)))
                return ProbeOutcome.Say(ProbeOutcome.NoAnswer, "the answer took too long");
            errno = socket.TryReceiveNow(heard.AsSpan(length), out int count);
            if (errno == Errno.EAGAIN)
                continue;
            if (errno != Errno.None || count == 0)
                return ProbeOutcome.Say(1, "the connection ended before an answer came");
            length += count;
        }
        return Judge(heard.AsSpan(0, length));
    }

    // status-line = HTTP-version SP status-code SP [ reason-phrase ]
    private ProbeOutcome Judge(ReadOnlySpan<byte> heard)
    {
        int end = heard.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? heard : heard[..end].TrimEnd((byte)'\r');
        if (end < 0 || line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[8] != ' ' || (line.Length > 12 && line[12] != ' ')
            || !int.TryParse(line.Slice(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status))
            return ProbeOutcome.Say(1, "what answers does not speak HTTP: ", heard);
        bool isWell = check.Status is { } only ? status == only : status is >= 200 and < 400;
        return new ProbeOutcome(isWell ? 0 : 1, line.ToArray());
    }
}
