namespace ZeroOS.Contracts.Farm;

/// <summary>
/// Claim or erase one disk of one node: the payload of a document signed by the farm's threshold. Which of both it is says the payload type, so that neither
/// can pass for the other. It names the disk and what was seen on it: another disk, or other content, is another order.
/// </summary>
public sealed record DiskOrder : IThresholdOrder
{
    /// <summary>The payload type of a claim: the disk becomes the node's, what is on it is lost.</summary>
    public const string ClaimType = "application/vnd.zeroos.disk-claim.v1+json";

    /// <summary>The payload type of an erase: zeros over the whole disk.</summary>
    public const string EraseType = "application/vnd.zeroos.disk-erase.v1+json";

    /// <inheritdoc/>
    public required string Id { get; init; }

    /// <inheritdoc/>
    public required string Node { get; init; }

    /// <summary>Which disk: <c>diskId</c> of zos.disk.list.</summary>
    public required string DiskId { get; init; }

    /// <summary>What was on it: <c>contentId</c> of zos.disk.list.</summary>
    public required string ContentId { get; init; }

    /// <inheritdoc/>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>For the people who sign: the serial number and what was on the disk. The node does not read it.</summary>
    public string? About { get; init; }
}
