namespace ZeroOS.Oci.Layout;

/// <summary>An image ready to be read: its config as it is, and its layers from the base up.</summary>
internal sealed class ImageSource
{
    internal const string ConfigMediaType = "application/vnd.oci.image.config.v1+json";
    internal const string DockerConfigMediaType = "application/vnd.docker.container.image.v1+json";

    internal required byte[] Config { get; init; }

    internal string ConfigType { get; init; } = ConfigMediaType;

    internal required IReadOnlyList<LayerSource> Layers { get; init; }

    /// <summary>The manifest the image came with, when it came with one.</summary>
    internal OciDescriptor? Subject { get; init; }
}
