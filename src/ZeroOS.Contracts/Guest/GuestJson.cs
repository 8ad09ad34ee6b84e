using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Guest;

/// <summary>JSON of the guest protocol.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(GuestSpec))]
[JsonSerializable(typeof(GuestHello))]
[JsonSerializable(typeof(GuestStarted))]
[JsonSerializable(typeof(GuestExited))]
[JsonSerializable(typeof(GuestFailure))]
[JsonSerializable(typeof(GuestStop))]
[JsonSerializable(typeof(GuestSession))]
[JsonSerializable(typeof(GuestHealthReport))]
[JsonSerializable(typeof(GuestUse))]
public sealed partial class GuestJson : JsonSerializerContext;
