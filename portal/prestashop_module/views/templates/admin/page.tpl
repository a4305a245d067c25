{* The page of the module. Every value is escaped here; texts arrive translated. *}
<div class="panel">
  <h3><i class="icon-link"></i> {$text.connection|escape:'html':'UTF-8'}</h3>
  <dl class="dl-horizontal">
    <dt>{$text.connection|escape:'html':'UTF-8'}</dt>
    <dd>
      {if $connected}
        <span class="label label-success">{$text.connected|escape:'html':'UTF-8'}</span>
      {else}
        <span class="label label-warning">{$text.not_connected|escape:'html':'UTF-8'}</span>
      {/if}
      {if $paused}<span class="label label-default">{$text.paused|escape:'html':'UTF-8'}</span>{/if}
    </dd>
    <dt>{$text.last_heard|escape:'html':'UTF-8'}</dt>
    <dd>{if $heard}{$heard|escape:'html':'UTF-8'}{else}{$text.never|escape:'html':'UTF-8'}{/if}</dd>
    <dt>{$text.backlog|escape:'html':'UTF-8'}</dt>
    <dd>{$backlog|escape:'html':'UTF-8'}</dd>
    {if $oldest}
      <dt>{$text.oldest|escape:'html':'UTF-8'}</dt>
      <dd>{$oldest|escape:'html':'UTF-8'}</dd>
    {/if}
    <dt>{$text.last_error|escape:'html':'UTF-8'}</dt>
    <dd>
      {if $error}{$error_at|escape:'html':'UTF-8'}: {$error|escape:'html':'UTF-8'}{else}{$text.none|escape:'html':'UTF-8'}{/if}
    </dd>
  </dl>
  {if $rescan}<p class="alert alert-warning">{$text.rescan|escape:'html':'UTF-8'}</p>{/if}
  <form method="post">
    <button type="submit" name="odooconnector_test" class="btn btn-default">{$text.test|escape:'html':'UTF-8'}</button>
    <button type="submit" name="odooconnector_send" class="btn btn-primary">{$text.send|escape:'html':'UTF-8'}</button>
    {if $url}
      <a class="btn btn-link" href="{$url|escape:'html':'UTF-8'}" target="_blank" rel="noopener noreferrer">
        {$text.open|escape:'html':'UTF-8'}</a>
    {/if}
  </form>
</div>
<form method="post" class="form-horizontal panel" autocomplete="off">
  <h3><i class="icon-cogs"></i> {$text.settings|escape:'html':'UTF-8'}</h3>
  <div class="form-group">
    <label class="control-label col-lg-3" for="odooconnector_url">{$text.url|escape:'html':'UTF-8'}</label>
    <div class="col-lg-6">
      <input type="url" id="odooconnector_url" name="odooconnector_url" value="{$url|escape:'html':'UTF-8'}" required>
    </div>
  </div>
  <div class="form-group">
    <label class="control-label col-lg-3" for="odooconnector_store">{$text.store|escape:'html':'UTF-8'}</label>
    <div class="col-lg-6">
      <input type="text" id="odooconnector_store" name="odooconnector_store" value="{$store|escape:'html':'UTF-8'}" required>
    </div>
  </div>
  <div class="form-group">
    <label class="control-label col-lg-3" for="odooconnector_secret">{$text.secret|escape:'html':'UTF-8'}</label>
    <div class="col-lg-6">
      <input type="password" id="odooconnector_secret" name="odooconnector_secret" value="" autocomplete="new-password">
      <p class="help-block">{$text.secret_help|escape:'html':'UTF-8'}</p>
    </div>
  </div>
  <div class="form-group">
    <label class="control-label col-lg-3" for="odooconnector_cron">{$text.cron|escape:'html':'UTF-8'}</label>
    <div class="col-lg-6">
      <input type="text" id="odooconnector_cron" value="{$cron|escape:'html':'UTF-8'}" readonly>
      <p class="help-block">{$text.cron_help|escape:'html':'UTF-8'}</p>
    </div>
  </div>
  <p class="help-block">{$text.privacy|escape:'html':'UTF-8'}</p>
  <div class="panel-footer">
    <button type="submit" name="odooconnector_save" class="btn btn-default pull-right">
      <i class="process-icon-save"></i> {$text.save|escape:'html':'UTF-8'}</button>
  </div>
</form>
