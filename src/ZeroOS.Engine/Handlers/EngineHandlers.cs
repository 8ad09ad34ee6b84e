namespace ZeroOS.Engine.Handlers;

/// <summary>Who answers the engine's commands, by noun.</summary>
public sealed record EngineHandlers(StatusHandlers Status, GrantHandlers Grants, DeploymentHandlers Deployments, MachineHandlers Machines,
    LogHandlers Logs, StatsHandlers Stats, VolumeHandlers Volumes, EventHandlers Events, SessionHandlers Sessions);
