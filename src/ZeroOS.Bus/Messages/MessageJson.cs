using System.Text.Json;
using System.Text.Json.Serialization;

using ZeroOS.Contracts.Bus;

namespace ZeroOS.Bus.Messages;

/// <summary>A message as it travels inside an envelope (docs/bus.md, "Message").</summary>
internal sealed record WireMessage
{
    public required string Id { get; init; }

    public required string Kind { get; init; }

    public required string From { get; init; }

    public required string To { get; init; }

    public required string Command { get; init; }

    public string? Epoch { get; init; }

    public string? ReplyKey { get; init; }

    public required DateTimeOffset Issued { get; init; }

    public required DateTimeOffset Expires { get; init; }

    public string? InReplyTo { get; init; }

    public long? Seq { get; init; }

    public bool? End { get; init; }

    public BusError? Error { get; init; }

    public string? Sealed { get; init; }

    public JsonElement? Body { get; init; }
}

/// <summary>What is inside a seal: the header once more, so that a ciphertext belongs to one signed message only, and the content.</summary>
internal sealed record WireSealed
{
    public required string Id { get; init; }

    public required string Kind { get; init; }

    public required string From { get; init; }

    public required string To { get; init; }

    public required string Command { get; init; }

    public string? Epoch { get; init; }

    public string? ReplyKey { get; init; }

    public string? InReplyTo { get; init; }

    public long? Seq { get; init; }

    public bool? End { get; init; }

    public BusError? Error { get; init; }

    public JsonElement? Body { get; init; }
}

/// <summary>JSON of messages.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true,
    Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(WireMessage))]
[JsonSerializable(typeof(WireSealed))]
internal sealed partial class MessageJson : JsonSerializerContext;
