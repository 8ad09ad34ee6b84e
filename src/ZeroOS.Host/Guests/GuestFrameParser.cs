using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Host.Guests;

/// <summary>
/// Turns the frames of one connection into calls of <see cref="IGuestEvents"/>. Any process in the guest can speak vsock, so every byte is hostile: lengths,
/// types, order and values are checked, and the first violation is the last thing that is told. Never throws for what a guest sent.
/// </summary>
internal sealed class GuestFrameParser(GuestConnection connection, IGuestEvents events)
{
    /// <summary>Bytes of a JSON payload from a guest at most; no honest one is longer than a few hundred.</summary>
    public const int MaxJson = 16 * 1024;

    // The last millisecond of the year 9999, after which a DateTimeOffset has no room.
    private const long LastMs = 253_402_300_799_999;

    private const int MaxSentence = 1024, MaxStage = 64;

    private enum Stage
    {
        Silent,
        Greeted,
        Trusted,
    }

    private Stage _stage;
    private long _nextOffset;
    private bool _started;
    private bool _ended;

    /// <summary>Delivers every whole frame in the buffer; returns what was not allowed, or null.</summary>
    public string? Deliver(GuestFrameBuffer incoming)
    {
        while (incoming.TryTake(out GuestFrameType type, out uint stream, out ReadOnlySpan<byte> payload, out _))
        {
            if (DeliverOne(type, stream, payload) is string violation)
                return violation;
        }
        // TryTake says false both for "not yet whole" and "never": ask once more, it changes nothing.
        return !incoming.TryTake(out _, out _, out _, out bool tooLong) && tooLong ? "a frame longer than the protocol allows" : null;
    }

    private string? DeliverOne(GuestFrameType type, uint stream, ReadOnlySpan<byte> payload) => (_stage, type) switch
    {
        (Stage.Silent, GuestFrameType.Hello) => DeliverHello(payload),
        (Stage.Silent, _) => "a frame before hello",
        (_, GuestFrameType.Hello) => "a second hello",
        (Stage.Greeted, GuestFrameType.Claim) => DeliverClaim(payload),
        (Stage.Greeted, _) => "a frame before it took its specification",
        (_, GuestFrameType.Started) => DeliverStarted(payload),
        (_, GuestFrameType.Exited) => DeliverExited(payload),
        (_, GuestFrameType.Failed) => DeliverFailed(payload),
        (_, GuestFrameType.Health) => DeliverHealth(payload),
        (_, GuestFrameType.Use) => DeliverUse(payload),
        (_, GuestFrameType.Log) => DeliverLog(stream, payload),
        _ => $"a frame of type {(byte)type}, which guests do not send now",
    };

    private string? DeliverHello(ReadOnlySpan<byte> payload)
    {
        if (Read(payload, GuestJson.Default.GuestHello) is not { Version: 1 } hello || hello.HasSpec != hello.Secret is not null)
            return "a hello that cannot be read";
        _stage = hello.HasSpec ? Stage.Trusted : Stage.Greeted;
        return events.Hello(connection, hello);
    }

    private string? DeliverClaim(ReadOnlySpan<byte> payload)
    {
        _stage = Stage.Trusted;
        return payload.Length == GuestProtocol.SecretBytes ? events.Claim(connection, payload) : "a claim that cannot be read";
    }

    private string? DeliverStarted(ReadOnlySpan<byte> payload)
    {
        if (_started || Read(payload, GuestJson.Default.GuestStarted) is not { } started)
            return _started ? "a second start" : "a start that cannot be read";
        _started = true;
        events.Started(connection, started);
        return null;
    }

    private string? DeliverExited(ReadOnlySpan<byte> payload)
    {
        if (_ended || Read(payload, GuestJson.Default.GuestExited) is not { Code: >= 0 and <= 255, Signal: >= 0 and <= 64 } exited)
            return _ended ? "a second end" : "an exit that cannot be read";
        _ended = true;
        events.Exited(connection, exited);
        return null;
    }

    private string? DeliverFailed(ReadOnlySpan<byte> payload)
    {
        if (_ended || Read(payload, GuestJson.Default.GuestFailure) is not { Code: >= 0 and <= 255 } failure)
            return _ended ? "a second end" : "a failure that cannot be read";
        _ended = true;
        events.Failed(connection,
            failure with { Stage = HostileText.Plain(failure.Stage, MaxStage), Message = HostileText.Plain(failure.Message, MaxSentence) });
        return null;
    }

    private string? DeliverHealth(ReadOnlySpan<byte> payload) =>
        Read(payload, GuestJson.Default.GuestHealthReport) is { FailingStreak: >= 0 } report && (report.Result is null || IsProbe(report.Result))
            ? events.Health(connection, report)
            : "a health report that cannot be read";

    private static bool IsProbe(GuestProbeResult probe) => probe is { Number: > 0, ExitCode: >= -1 and <= 255, Output.Length: <= HealthLimits.OutputBytes }
        && probe.StartMs is >= 0 and <= LastMs && probe.EndMs is >= 0 and <= LastMs;

    private string? DeliverUse(ReadOnlySpan<byte> payload) =>
        Read(payload, GuestJson.Default.GuestUse) is { Pids: null or (>= 0 and <= GuestUse.MaxPids), PidsLimit: null or (>= 0 and <= GuestUse.MaxPids) } use
            && IsPressure(use.CpuPressurePer10000) && IsPressure(use.MemoryPressurePer10000) && IsPressure(use.IoPressurePer10000)
            ? events.Use(connection, use)
            : "what its workload uses, which cannot be read";

    private static bool IsPressure(int? pressure) => pressure is null or (>= 0 and <= GuestUse.FullPressure);

    private string? DeliverLog(uint stream, ReadOnlySpan<byte> payload)
    {
        if (stream is not ((uint)OutputStream.StandardOutput or (uint)OutputStream.StandardError) || payload.Length < sizeof(long))
            return "a log frame that cannot be read";
        long offset = BinaryPrimitives.ReadInt64LittleEndian(payload);
        payload = payload[sizeof(long)..];
        if (offset < _nextOffset || offset > long.MaxValue - payload.Length)
            return "a log offset that goes back";
        _nextOffset = offset + payload.Length;
        return events.Log(connection, offset, (OutputStream)stream, payload);
    }

    private static T? Read<T>(ReadOnlySpan<byte> payload, JsonTypeInfo<T> type) where T : class
    {
        if (payload.Length > MaxJson)
            return null;
        try
        {
            return JsonSerializer.Deserialize(payload, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
