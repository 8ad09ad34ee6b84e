using System.Diagnostics;
using System.Text;
using System.Text.Json;

using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Sessions;

/// <summary>The client of a session and the node between, as a guest sees them: plain frames, credit only when the test says so.</summary>
internal sealed class PlainClient(StreamSocket socket, int channels = 3) : IDisposable
{
    private const int PatienceMs = 20_000;
    private readonly SessionChannels _channels = Channels(channels);
    private readonly PlainFrames _frames = new();
    private readonly Dictionary<uint, int> _windows = [];
    private readonly List<string> _passed = [];
    private readonly byte[] _outgoing = new byte[PlainFrames.LengthBytes + SessionFrame.MaxBytes];

    /// <summary>Reads what stands before the frames.</summary>
    public (byte[] Secret, byte[] Token) Introduction()
    {
        byte[] bytes = new byte[GuestProtocol.SecretBytes + GuestProtocol.TokenBytes];
        for (int have = 0; have < bytes.Length;)
        {
            Assert.True(Polling.IsReadable(socket.Descriptor, PatienceMs), "the guest says nothing");
            int count = socket.Descriptor.Read(bytes.AsSpan(have));
            Assert.True(count > 0, "the guest closed the connection");
            have += count;
        }
        return (bytes[..GuestProtocol.SecretBytes], bytes[GuestProtocol.SecretBytes..]);
    }

    public void Begin(ExecBegin begin) =>
        Send(SessionFrame.SessionChannel, SessionFrameType.Begin, JsonSerializer.SerializeToUtf8Bytes(begin, SessionJson.Default.ExecBegin));

    public void Begin(AttachBegin begin) =>
        Send(SessionFrame.SessionChannel, SessionFrameType.Begin, JsonSerializer.SerializeToUtf8Bytes(begin, SessionJson.Default.AttachBegin));

    public void Begin(CopyBegin begin) =>
        Send(SessionFrame.SessionChannel, SessionFrameType.Begin, JsonSerializer.SerializeToUtf8Bytes(begin, SessionJson.Default.CopyBegin));

    /// <summary>Opens a channel to a port of the machine.</summary>
    public uint Open(int port) => Open(JsonSerializer.SerializeToUtf8Bytes(new ForwardBegin { Port = port }, SessionJson.Default.ForwardBegin));

    /// <summary>Opens a channel with these words.</summary>
    public uint Open(ReadOnlySpan<byte> begin)
    {
        Assert.True(_channels.TryOpen(out uint channel), "there are too many channels");
        Send(channel, SessionFrameType.Begin, begin);
        return channel;
    }

    /// <summary>Closes a channel that was opened.</summary>
    public void Close(uint channel) => Send(channel, SessionFrameType.Close, SessionFrame.CloseBody(SessionCloseReason.Cancelled, ""));

    /// <summary>Sends data as the guest gives room, and meanwhile takes and grants as much that comes back; nothing else comes.</summary>
    public byte[] Exchange(uint channel, byte[] data)
    {
        using MemoryStream came = new();
        for (int sent = 0; came.Length < data.Length;)
        {
            if (sent < data.Length && MaySend(channel) is > 0 and int room)
            {
                int count = Math.Min(room, data.Length - sent);
                Send(channel, SessionFrameType.Data, data.AsSpan(sent, count));
                sent += count;
                continue;
            }
            string? nothing = TryNext(PatienceMs, out SessionFrame frame);
            Assert.True(nothing is null, $"{nothing} after {sent} bytes out and {came.Length} in");
            if (frame.Channel == channel && frame.Type == SessionFrameType.Data)
            {
                came.Write(frame.Body);
                if (_channels.Taken(channel, frame.Body.Length) is > 0 and uint credit)
                    Send(channel, SessionFrameType.Window, SessionFrame.CreditBody(credit));
            }
            else
            {
                Assert.True(frame.Type == SessionFrameType.Window, Line(frame));
            }
        }
        return came.ToArray();
    }

    /// <summary>Sends data of the first channel as the guest gives room, and its end.</summary>
    public void SendAll(ReadOnlySpan<byte> data, bool end = true)
    {
        while (!data.IsEmpty)
        {
            if (MaySend(0) is > 0 and int room)
            {
                Send(0, SessionFrameType.Data, data[..Math.Min(room, data.Length)]);
                data = data[Math.Min(room, data.Length)..];
            }
            else if (Next() is var line && !line.StartsWith("Window 0", StringComparison.Ordinal))
            {
                _passed.Add(line);
                return;
            }
        }
        if (end)
            Send(0, SessionFrameType.HalfClose, []);
    }

    /// <summary>Everything that comes on the second channel until its end, and room for more of it.</summary>
    public byte[] ReadToEnd(List<string>? others = null)
    {
        using MemoryStream all = new();
        while (true)
        {
            string? nothing = TryNext(PatienceMs, out SessionFrame frame);
            Assert.True(nothing is null, nothing);
            if (frame.Type == SessionFrameType.HalfClose)
                return all.ToArray();
            if (frame.Type == SessionFrameType.Data)
            {
                all.Write(frame.Body);
                if (_channels.Taken(1, frame.Body.Length) is > 0 and uint credit)
                    Send(1, SessionFrameType.Window, SessionFrame.CreditBody(credit));
                continue;
            }
            others?.Add(Line(frame));
            Assert.False(frame.Type == SessionFrameType.Close, Line(frame));
        }
    }

    /// <summary>Sends a frame as the rules allow.</summary>
    public void Send(uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        SessionFrame frame = new(channel, type, body);
        _channels.Sent(frame);
        SendAnyway(channel, type, body);
    }

    /// <summary>Sends a frame whatever the rules are.</summary>
    public void SendAnyway(uint channel, SessionFrameType type, ReadOnlySpan<byte> body) =>
        SendRaw(_outgoing.AsSpan(0, PlainFrames.Write(new SessionFrame(channel, type, body), _outgoing)));

    public void SendRaw(ReadOnlySpan<byte> bytes) => Assert.Equal(Errno.None, socket.TrySendAll(bytes));

    public int MaySend(uint channel) => _channels.MaySend(channel);

    /// <summary>Room for so many bytes more on a channel.</summary>
    public void Grant(uint channel, int bytes)
    {
        _windows[channel] = _windows.GetValueOrDefault(channel, SessionLimits.FirstWindow) + bytes;
        Assert.Equal((uint)bytes, _channels.SetWindow(channel, _windows[channel]));
        Send(channel, SessionFrameType.Window, SessionFrame.CreditBody((uint)bytes));
    }

    /// <summary>The next frame as a line, "Data 1 text", or "nothing" if none comes in time, or "end".</summary>
    public string Next(int patienceMs = PatienceMs) => TryNext(patienceMs, out SessionFrame frame) ?? Line(frame);

    /// <summary>
    /// The frames until the session's close, with it and with what <see cref="Until"/> passed over, but for data and windows. Of two outputs that end at once
    /// the first comes first.
    /// </summary>
    public string[] Ends()
    {
        List<string> lines = _passed;
        while (lines.Count == 0 || !lines[^1].StartsWith("Close", StringComparison.Ordinal))
        {
            string line = Next();
            Assert.True(line is not ("nothing" or "end"), $"{line} after {string.Join(", ", lines)}");
            if (line == "HalfClose 1" && lines.Count > 0 && lines[^1] == "HalfClose 2")
                lines.Insert(lines.Count - 1, line);
            else if (!line.StartsWith("Window", StringComparison.Ordinal) && !line.StartsWith("Data", StringComparison.Ordinal))
                lines.Add(line);
        }
        return [.. lines];
    }

    /// <summary>Data of a channel until there are <paramref name="count"/> bytes, whatever else comes.</summary>
    public byte[] Data(uint channel, int count)
    {
        List<byte> data = [];
        while (data.Count < count)
        {
            Assert.Null(TryNext(PatienceMs, out SessionFrame frame));
            if (frame.Channel == channel && frame.Type == SessionFrameType.Data)
                data.AddRange(frame.Body);
        }
        Assert.Equal(count, data.Count);
        return [.. data];
    }

    /// <summary>Data of a channel until <paramref name="text"/> is in it, whatever else comes.</summary>
    public string Until(uint channel, string text)
    {
        StringBuilder said = new();
        while (!said.ToString().Contains(text, StringComparison.Ordinal))
        {
            string? nothing = TryNext(PatienceMs, out SessionFrame frame);
            Assert.True(nothing is null, $"{nothing} after \"{said}\" and {string.Join(", ", _passed)}");
            if (frame.Channel == channel && frame.Type == SessionFrameType.Data)
                said.Append(Encoding.UTF8.GetString(frame.Body));
            else if (frame.Type is not (SessionFrameType.Data or SessionFrameType.Window))
                _passed.Add(Line(frame));
        }
        return said.ToString();
    }

    public void Dispose()
    {
        if (socket.Descriptor.IsClosed)
            return;
        socket.Shutdown();
        socket.Dispose();
    }

    private static SessionChannels Channels(int count)
    {
        SessionChannels channels = new(opens: true, 0);
        channels.Make(count);
        return channels;
    }

    private static string Line(in SessionFrame frame) => frame.Type switch
    {
        SessionFrameType.Data => $"Data {frame.Channel} {Encoding.UTF8.GetString(frame.Body)}",
        SessionFrameType.Window => $"Window {frame.Channel} {frame.Credit}",
        SessionFrameType.HalfClose => $"HalfClose {frame.Channel}",
        SessionFrameType.Exit => $"Exit {frame.Channel} {frame.ExitCode}",
        SessionFrameType.Note => $"Note {frame.Sentence}",
        SessionFrameType.Close when frame.Channel == SessionFrame.SessionChannel => $"Close {frame.Reason} {frame.Sentence}".TrimEnd(),
        SessionFrameType.Close => $"Close {frame.Channel} {frame.Reason} {frame.Sentence}".TrimEnd(),
        _ => frame.Type.ToString(),
    };

    private string? TryNext(int patienceMs, out SessionFrame frame)
    {
        long began = Stopwatch.GetTimestamp();
        while (!_frames.TryTake(out frame))
        {
            Assert.False(_frames.IsBroken, "the guest sent what is no frame");
            if (!Polling.IsReadable(socket.Descriptor, Math.Max(patienceMs - (int)Stopwatch.GetElapsedTime(began).TotalMilliseconds, 0)))
                return "nothing";
            if (socket.Descriptor.TryRead(_frames.Room().Span, out int count) != Errno.None || count == 0)
                return "end";
            _frames.Filled(count);
        }
        Assert.True(_channels.Receive(frame, (long)Stopwatch.GetElapsedTime(0).TotalMilliseconds) != SessionVerdict.Break, _channels.Fault);
        return null;
    }
}
