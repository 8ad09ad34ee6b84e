using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZeroOS.Oci.Layout;

/// <summary>The JSON of images. Unknown members are ignored, as the specification asks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(OciManifest))]
[JsonSerializable(typeof(OciImageConfig))]
[JsonSerializable(typeof(System.Text.Json.Nodes.JsonObject))]
[JsonSerializable(typeof(List<DockerArchiveImage>))]
internal sealed partial class OciJson : JsonSerializerContext
{
    /// <summary>Longest document read, in bytes.</summary>
    internal const int MaxBytes = 4 << 20;

    /// <exception cref="FlistBuildException">The bytes are not the JSON they should be.</exception>
    internal static T Read<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string what) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new FlistBuildException($"{what} is null");
        }
        catch (JsonException e)
        {
            throw new FlistBuildException($"{what} is not the JSON it should be: {e.Message}", e);
        }
    }
}
