using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;

using ZeroOS.Docker.Http;
using ZeroOS.Docker.Json;

namespace ZeroOS.Docker.Node;

/// <summary>What Docker remembers of a thing, as the annotations of its deployment.</summary>
internal sealed record Notes
{
    /// <summary>Kinds of things.</summary>
    public const string Container = "container", Network = "network", Volume = "volume";

    // Of the contract: 8 KiB a value, 32 KiB in all. What is not said in pieces has room beside them.
    private const int PieceBytes = 8 * 1024, MaxPieces = 3;

    private const string KindKey = "docker.kind", IdKey = "docker.id", NameKey = "docker.name", CreatedKey = "docker.created", ImageKey = "docker.image",
        ImageIdKey = "docker.image-id", LocalKey = "docker.local-ports", BodyKey = "docker.body";

    /// <summary>What it is.</summary>
    public required string Kind { get; init; }

    /// <summary>64 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Docker's name, without a slash.</summary>
    public required string Name { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The image as it was named; of containers.</summary>
    public string Image { get; init; } = "";

    /// <summary>"sha256:..."; of containers.</summary>
    public string ImageId { get; init; } = "";

    /// <summary>Ports of one computer's loopback that lead to it; of containers.</summary>
    public IReadOnlyList<LocalPort> Local { get; init; } = [];

    /// <summary>What its creation was sent.</summary>
    public required JsonObject Body { get; init; }

    /// <summary>Reads them; false: the deployment is none of Docker's.</summary>
    public static bool TryRead(IReadOnlyDictionary<string, string>? annotations, [NotNullWhen(true)] out Notes? notes)
    {
        notes = null;
        if (annotations is null || !annotations.TryGetValue(KindKey, out string? kind) || !annotations.TryGetValue(IdKey, out string? id))
            return false;
        string body = string.Concat(Enumerable.Range(0, MaxPieces).Select(i => annotations.GetValueOrDefault($"{BodyKey}.{i}", "")));
        notes = new Notes
        {
            Kind = kind,
            Id = id,
            Name = annotations.GetValueOrDefault(NameKey, ""),
            Created = DateTimeOffset.TryParse(annotations.GetValueOrDefault(CreatedKey), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind,
                out DateTimeOffset created) ? created : DateTimeOffset.UnixEpoch,
            Image = annotations.GetValueOrDefault(ImageKey, ""),
            ImageId = annotations.GetValueOrDefault(ImageIdKey, ""),
            Local = LocalPort.Read(annotations.GetValueOrDefault(LocalKey, "")),
            Body = Words.Parse(body),
        };
        return true;
    }

    /// <summary>As annotations.</summary>
    /// <exception cref="DockerFault">The words of the creation are too many to keep.</exception>
    public IReadOnlyDictionary<string, string> Write()
    {
        Dictionary<string, string> annotations = new(StringComparer.Ordinal)
        {
            [KindKey] = Kind,
            [IdKey] = Id,
            [NameKey] = Name,
            [CreatedKey] = Created.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
            [ImageKey] = Image,
            [ImageIdKey] = ImageId,
        };
        if (Local.Count > 0)
            annotations[LocalKey] = LocalPort.Write(Local);
        string body = Words.Text(Body);
        if (body.Length > PieceBytes * MaxPieces)
            throw DockerFault.Bad($"labels, environment and options of \"{Name}\" are {body.Length} bytes, and a node keeps {PieceBytes * MaxPieces}");
        for (int i = 0; i * PieceBytes < body.Length; i++)
            annotations[$"{BodyKey}.{i}"] = body[(i * PieceBytes)..Math.Min(body.Length, (i + 1) * PieceBytes)];
        return annotations;
    }
}
