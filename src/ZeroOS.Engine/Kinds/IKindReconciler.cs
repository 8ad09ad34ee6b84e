using ZeroOS.Engine.Store;

namespace ZeroOS.Engine.Kinds;

/// <summary>Brings one tenant's workloads of one kind closer to what is asked for. One worker calls it; every step may be done twice.</summary>
internal interface IKindReconciler
{
    /// <summary>Stores what happened since the last pass, before anything is done about it.</summary>
    void Hear(TenantView view)
    {
    }

    /// <summary>Makes what is wanted and not there; kinds earlier in the table came first.</summary>
    void StepUp(TenantView view);

    /// <summary>Takes down what is there and not wanted; kinds later in the table came first.</summary>
    void StepDown(TenantView view);
}
