using System.Text.Json.Serialization;

namespace ZeroOS.Contracts.Release;

/// <summary>
/// JSON of the files that come with an image. Members of a later version are passed over; what is missing or null where it must not be is refused.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Measurements))]
[JsonSerializable(typeof(PcrSignatures))]
public sealed partial class ReleaseJson : JsonSerializerContext;
