using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Contracts.Bus;

/// <summary>Body of zos.deployment.apply. Under M-of-N the deployment is a signed document of its own; that place is <c>document</c>, later.</summary>
public sealed record DeploymentApply
{
    /// <summary>The whole deployment.</summary>
    public required Deployment Deployment { get; init; }
}

/// <summary>Names one deployment.</summary>
public sealed record DeploymentName
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
}

/// <summary>Body of zos.deployment.delete.</summary>
public sealed record DeploymentDelete
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Volumes to destroy with it; the others are kept.</summary>
    public IReadOnlyList<string> Volumes { get; set; } = [];
}

/// <summary>Answer to zos.deployment.list.</summary>
public sealed record DeploymentList
{
    /// <summary>The tenant's deployments.</summary>
    public required IReadOnlyList<DeploymentStatus> Deployments { get; init; }
}
